/** Worlds in which numbers of pods are decided and told, for tests. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { decide } from '#operator/reconcile/decide.ts'
import type { LoadFacts } from '#operator/reconcile/facts.ts'
import { deriveStatus } from '#operator/status/derive.ts'
import { dataService, withSpec } from './data-service.ts'
import { factsOf, upAndRunning, type World } from './world.ts'

type Spec = Parameters<typeof withSpec>[0]

export interface Situation {
  /** The spec that everything stands as it asks for. */
  before?: Spec
  /** The spec now. */
  spec?: Spec
  change?: (child: ObservedChild) => ObservedChild | undefined
  theirs?: ObservedChild[]
  status?: DataService['status']
  load?: LoadFacts
}

/** Ours have our owner reference; the watched copy has all. */
export function worldOf({ before = {}, spec = before, change, theirs = [], load, status }: Situation): World {
  const world = upAndRunning(dataService(withSpec(before)), change)
  return {
    ...world,
    owner: { ...dataService(withSpec(spec)), ...(status && { status }) },
    children: [...world.children, ...theirs],
    ...(load && { load }),
  }
}

/** What is written, in short. */
export function stepsIn(situation: Situation): string[] {
  return decide(factsOf(worldOf(situation))).steps.map(step => {
    if (step.do === 'scale') return `scale ${step.name} ${step.replicas}`
    if (step.do === 'remove') return `remove ${step.kind} ${step.name}`
    return step.do === 'apply' ? `apply ${step.object.kind} ${step.object.metadata.name}` : step.do
  })
}

/** `Status/Reason: message`. */
export function conditionIn(situation: Situation, type: string): string {
  const facts = factsOf(worldOf(situation))
  const plan = decide(facts)
  const status = deriveStatus({
    facts,
    plan,
    result: { failures: [], written: 0 },
    now: new Date(0),
    progress: { kind: 'reached' },
  })
  const found = status.conditions?.find(condition => condition.type === type)
  return `${found?.status}/${found?.reason}: ${found?.message}`
}

/** A Deployment that wants and has so many. */
export const pods =
  (wanted: number, ready = wanted) =>
  (child: ObservedChild): ObservedChild => ({
    ...child,
    spec: { ...child.spec, replicas: wanted },
    status: { ...child.status, replicas: wanted, readyReplicas: ready, updatedReplicas: wanted },
  })

/** Moments of a service that goes to sleep or wakes, for tests: what is there, and what follows from it. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { autoscalerKind } from '#operator/desired/autoscalers.ts'
import type { ClassChoice } from '#operator/desired/class-choice.ts'
import type { Part } from '#operator/desired/names.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { decide } from '#operator/reconcile/decide.ts'
import type { FlushFacts } from '#operator/reconcile/facts.ts'
import { deriveStatus } from '#operator/status/derive.ts'
import { dataService, withSpec } from './data-service.ts'
import { pod } from './pods.ts'
import { targetOf } from './target.ts'
import { factsOf, upAndRunning } from './world.ts'

export const stored: FlushFacts = { kind: 'seen', behind: [] }
export const behind: FlushFacts = { kind: 'seen', behind: [{ partition: 1, told: true }] }

export interface Moment {
  /** Default: built in. */
  choice?: ClassChoice
  spec?: Parameters<typeof withSpec>[0]
  /** Pods that a part is asked for; others have what they had while running. */
  wanted?: Partial<Record<Part, number>>
  /** Parts with pods that are there; absent: as many as wanted. */
  ending?: readonly Part[]
  /** Parts of which no pod is ready. */
  unready?: readonly Part[]
  kept?: NonNullable<NonNullable<DataService['status']>['hibernation']>['replicas']
  flush?: FlushFacts
  drop?: (child: ObservedChild) => boolean
  theirs?: ObservedChild[]
  pods?: ObservedChild[]
}

const partOf = ({ metadata }: ObservedChild): string => metadata.name.replace(/^orders-/, '')

export function factsIn(moment: Moment) {
  const {
    spec = { lifecycle: 'Hibernated' },
    wanted = {},
    ending = [],
    unready = [],
    kept,
    theirs = [],
    choice = { kind: 'builtIn' },
  } = moment
  const numbers: Partial<Record<string, number>> = wanted
  const world = upAndRunning(
    dataService(),
    child => {
      if (moment.drop?.(child)) return undefined
      if (child.kind !== 'Deployment' && child.kind !== 'StatefulSet') return child
      const number = numbers[partOf(child)] ?? Number(child.spec?.['replicas'])
      const ready = unready.some(part => part === partOf(child)) ? 0 : number
      const status = {
        replicas: number,
        readyReplicas: ready,
        updatedReplicas: number,
        observedGeneration: 1,
      }
      return { ...child, spec: { ...child.spec, replicas: number }, status }
    },
    choice,
  )
  const owner: DataService = {
    ...dataService(withSpec(spec)),
    status: {
      schemaVersion: 'x',
      providers: targetOf(dataService(), [], choice).effective.providers,
      ...(kept && { hibernation: { replicas: kept } }),
    },
  }
  const endingPods = ending.map(part => pod({ owner: part, name: `orders-${part}-x`, deleted: true }))
  return factsOf({
    ...world,
    owner,
    children: [...world.children, ...theirs],
    pods: [...endingPods, ...(moment.pods ?? [])],
    flush: moment.flush ?? { kind: 'notAsked' },
  })
}

export function seen(moment: Moment) {
  const facts = factsIn(moment)
  const plan = decide(facts)
  const status = deriveStatus({
    facts,
    plan,
    result: { failures: [], written: 0 },
    now: new Date(0),
    progress: { kind: 'reached' },
  })
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  const steps = plan.steps.map(step => {
    if (step.do === 'scale') return `scale ${step.name} ${step.replicas}`
    if (step.do === 'remove') return `remove ${step.kind} ${step.name}`
    if (step.do !== 'apply') return step.do
    const { kind, metadata } = step.object
    const replicas = 'spec' in step.object ? Reflect.get(Object(step.object.spec), 'replicas') : undefined
    return `apply ${kind} ${metadata.name}${replicas === undefined ? '' : ` ${replicas}`}`
  })
  return {
    steps: steps.filter(step => !step.startsWith('apply CronJob') && !alreadyAtZero(step, moment)),
    ready: `${ready?.status}/${ready?.reason}`,
    message: ready?.message,
    kept: status.hibernation?.replicas,
  }
}

/** After the first run: nothing moves the numbers any more. */
export const noAutoscalers = (child: ObservedChild) => child.kind === autoscalerKind
export const asleep = { gateway: 0, writer: 0, reader: 0, redis: 0, postgres: 0, kafka: 0 }
export const kept = { gateway: 3, writer: 2, reader: 3 }

/** Children of the world are marked as those of a service that runs; what has no pods here would be marked otherwise. */
function alreadyAtZero(step: string, { wanted = {} }: Moment): boolean {
  const [, part] = /^apply StatefulSet orders-(\w+) 0$/.exec(step) ?? []
  return part !== undefined && Object.entries(wanted).some(([each, number]) => each === part && number === 0)
}

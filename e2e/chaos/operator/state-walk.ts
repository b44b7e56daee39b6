/**
 * A spec is led through states that its schema suggests, good and bad. Each accepted state has the children that a new
 * DataService with the same spec has; what is refused changes nothing; the way back leads to where it began.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { parse } from 'yaml'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { atLeast, atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { isClusterError } from '#operator/cluster/errors.ts'
import { watchedKinds } from '#operator/desired/children.ts'
import { root } from '#tools/workspace.ts'
import { startBrokers } from './brokers.ts'
import { differences, type FinalState, finalState } from './final-state.ts'
import { inTurns } from './in-turns.ts'
import { calmState, conditionOf, declare, eventually, firstSpec, name, untilReady } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'
import { changed, changesOf, type SpecChange } from './spec-changes.ts'

const walkers = 3
const steps = { smoke: 18, full: 500 } as const
/** After so many a walker goes back to where it began. */
const wayLength = 6
const settlesMs = 60_000

/** What the operator refuses, not the API server: a pointer to nothing. */
const refusedByOperator: SpecChange = { path: 'record.indexes', value: [{ fields: ['/nowhere'] }] }

export async function stateWalk(plane: Plane, { size, chance, say }: SuiteContext): Promise<Figure[]> {
  const all = [...changesOf(await schemaOfSpec()), refusedByOperator]
  const seed = chance.between(0, 2 ** 31 - 1)
  const way = fc.sample(fc.constantFrom(...all), { numRuns: steps[size], seed })
  await using brokers = new AsyncDisposableStack()
  brokers.defer(startBrokers(plane.admin, plane.children('StatefulSet')))
  await using operator = await startOperatorProcess(plane, {})
  await operator.working()
  const seen: Walked = { accepted: 0, refused: 0, stalled: 0, back: 0, complaints: [] }
  const ways = Array.from({ length: walkers }, (_, walker) => way.filter((_, at) => at % walkers === walker))
  await inTurns(ways, walkers, each => walk(plane, each, seen))
  for (const complaint of seen.complaints) say(complaint)
  return [
    told('changes that the schema suggests', all.length),
    atLeast('transitions', seen.accepted + seen.refused, steps[size]),
    told('of them refused by the API server', seen.refused),
    told('of them refused by the operator', seen.stalled),
    told('ways back', seen.back),
    atMost('violations', seen.complaints.length, 0),
    atMost('operators that ended by themselves', operator.isAlive ? 0 : 1, 0),
  ]
}

interface Walked {
  accepted: number
  refused: number
  stalled: number
  back: number
  complaints: string[]
}

async function schemaOfSpec(): Promise<unknown> {
  const text = await readFile(join(root, 'crds', 'dataservice.dev_dataservices.yaml'), 'utf8')
  return parse(text).spec.versions[0].schema.openAPIV3Schema.properties.spec
}

async function walk(plane: Plane, way: readonly SpecChange[], seen: Walked): Promise<void> {
  for (let from = 0; from < way.length; from += wayLength) {
    const namespace = await plane.namespace('walk')
    await declare(plane, namespace, firstSpec)
    await untilReady(plane, namespace)
    await calmState(plane, namespace)
    const began = childrenIn(plane, namespace)
    let spec = firstSpec
    const path: string[] = []
    for (const change of way.slice(from, from + wayLength)) {
      path.push(`${change.path}=${JSON.stringify(change.value)}`)
      const next = await stepped(plane, { namespace, spec, change }, seen)
      for (const complaint of next.complaints) seen.complaints.push(`${path.join(', ')}: ${complaint}`)
      spec = next.spec
    }
    const back = await wentBack(plane, namespace, began)
    if (back === undefined) continue // what has grown stays so
    seen.back += 1
    for (const each of back) seen.complaints.push(`${path.join(', ')} and back: ${each}`)
  }
}

interface Step {
  namespace: string
  spec: object
  change: SpecChange
}

async function stepped(plane: Plane, { namespace, spec, change }: Step, seen: Walked) {
  const wanted = changed(spec, change)
  const before = plane.services.get(namespace, name)?.metadata.generation
  const refusal = await refusalOf(declare(plane, namespace, wanted))
  if (refusal !== undefined) {
    seen.refused += 1
    const now = plane.services.get(namespace, name)?.metadata.generation
    return { spec, complaints: now === before ? [] : ['it was refused and changed all the same'] }
  }
  seen.accepted += 1
  const state = await settled(plane, namespace)
  if (state === 'stalled') seen.stalled += 1
  // What is refused by the operator is taken back at once, so that the way goes on from a good state.
  if (state === 'stalled') return { spec, complaints: await recovers(plane, namespace, spec) }
  if (state !== 'ready') return { spec: wanted, complaints: [state] }
  return { spec: wanted, complaints: await unlikeNew(plane, namespace, wanted) }
}

const refusalOf = (attempt: Promise<unknown>): Promise<string | undefined> =>
  attempt.then(
    () => undefined,
    (error: unknown) => {
      if (isClusterError(error, 'Invalid')) return error.message
      throw error
    },
  )

/** `ready`, `stalled`, or what is wrong. What it says has to be about the newest generation. */
async function settled(plane: Plane, namespace: string): Promise<string> {
  const stateNow = (): string => {
    const service = plane.services.get(namespace, name)
    if (service === undefined || service.status?.observedGeneration !== service.metadata.generation)
      return 'its status speaks of an older generation'
    if (conditionOf(service, 'Stalled')?.status === 'True') return 'stalled'
    return conditionOf(service, 'Ready')?.status === 'True'
      ? 'ready'
      : JSON.stringify(conditionOf(service, 'Ready'))
  }
  await eventually(
    settlesMs,
    () => ['ready', 'stalled'].includes(stateNow()),
    () => '',
  ).catch(() => {}) // told by the answer
  return stateNow()
}

async function recovers(plane: Plane, namespace: string, spec: object): Promise<string[]> {
  await declare(plane, namespace, spec)
  const state = await settled(plane, namespace)
  return state === 'ready' ? [] : [`after it was taken back: ${state}`]
}

/** Its children beside those of a new DataService with the same spec; one that sleeps was awake before, as it was. */
async function unlikeNew(plane: Plane, namespace: string, spec: object): Promise<string[]> {
  const fresh = await plane.namespace('fresh')
  for (const each of [{ ...spec, lifecycle: 'Running' }, spec]) {
    const refusal = await refusalOf(declare(plane, fresh, each))
    if (refusal !== undefined) return [`a new one is refused: ${refusal}`]
    const state = await settled(plane, fresh)
    if (state !== 'ready') return [`a new one is not ready: ${state}`]
  }
  let found: string[] = []
  await eventually(
    settlesMs,
    () => {
      found = differences(childrenIn(plane, fresh), childrenIn(plane, namespace))
      return found.length === 0
    },
    () => '',
  ).catch(() => {}) // told by what differs
  return found
}

/** The API server cannot refuse to shrink what is left out for its default; the operator does. */
const cannotGoBack = (service: DataService | undefined): boolean =>
  service !== undefined && conditionOf(service, 'Stalled')?.reason === 'CannotChange'

async function wentBack(plane: Plane, namespace: string, began: FinalState): Promise<string[] | undefined> {
  if ((await refusalOf(declare(plane, namespace, firstSpec))) !== undefined) return undefined
  const state = await settled(plane, namespace)
  if (state === 'stalled' && cannotGoBack(plane.services.get(namespace, name))) return undefined
  if (state !== 'ready') return [state]
  let found: string[] = []
  await eventually(
    settlesMs,
    () => {
      found = differences(began, childrenIn(plane, namespace))
      return found.length === 0
    },
    () => '',
  ).catch(() => {}) // told by what differs
  return found
}

/** Without the numbers of pods: autoscalers and people own them, and they keep what they were. */
function childrenIn(plane: Plane, namespace: string): FinalState {
  const children = watchedKinds.flatMap(kind => plane.children(kind).list(namespace))
  return finalState(
    namespace,
    children.map(({ status: _, ...child }) =>
      child.kind === 'Deployment' && child.spec !== undefined
        ? { ...child, spec: { ...child.spec, replicas: 0 } }
        : child,
    ),
  )
}

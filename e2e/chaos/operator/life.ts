/** The life of one DataService as its user leads it: made, changed, deleted; and what its namespace then holds. */
import { setTimeout as pause } from 'node:timers/promises'
import { apiVersion, type DataService } from '#crds/v1alpha1/resource.ts'
import { until } from '#e2e/cluster/waiting.ts'
import { isRecord } from '#operator/cluster/answer.ts'
import { collectionPath } from '#operator/cluster/paths.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { watchedKinds } from '#operator/desired/children.ts'
import { smallestSpec } from '#operator/testing/data-service.ts'
import { differences, type FinalState, finalState } from './final-state.ts'
import type { Plane } from './plane.ts'

export const name = 'orders'

/** A start, and (after children were deleted by somebody) a change that migrates, scales, rolls, makes a Service and takes an autoscaler and a Job away. */
export const firstSpec: object = smallestSpec
export const secondSpec: object = {
  ...smallestSpec,
  replicas: 5,
  record: { ...smallestSpec.record, indexes: [{ fields: ['/status'] }] },
  reader: { autoscaling: { mode: 'Off' } },
  postgres: { managed: { instances: 2 } },
}

/**
 * Server-side apply, as `kubectl apply --server-side` of a manifest does it. Resolves when the suite's own copy has it, so
 * that nobody takes what was said of an earlier spec for the answer.
 */
export async function declare(plane: Plane, namespace: string, spec: object): Promise<void> {
  const service = { apiVersion, kind: 'DataService', metadata: { name, namespace }, spec }
  const { metadata } = await plane.admin.apply<KubernetesObject>(service)
  const isSeen = (): boolean => {
    const seen = plane.services.get(namespace, name)?.metadata
    return seen?.uid === metadata.uid && (seen?.generation ?? 0) >= (metadata.generation ?? 0)
  }
  await eventually(copiedMs, isSeen, () => `${namespace}: the copy does not follow`)
}

const copiedMs = 60_000

async function removed({ admin }: Plane, namespace: string): Promise<void> {
  const ref = { kind: 'DataService', namespace, name } as const
  const found = await admin.get(ref)
  if (found?.metadata.uid !== undefined)
    await admin.remove(ref, { uid: found.metadata.uid, propagation: 'Background' })
}

/** Of the newest spec; by what the API server's watch tells. */
export function isReady({ services }: Plane, namespace: string): boolean {
  const service = services.get(namespace, name)
  return service !== undefined && speaksOf(service) && conditionOf(service, 'Ready')?.status === 'True'
}

export const conditionOf = ({ status }: DataService, type: string) =>
  status?.conditions?.find(each => each.type === type)

const speaksOf = ({ status, metadata }: DataService): boolean =>
  status?.observedGeneration === metadata.generation

const lookMs = 50

/** Asks until it holds; rejects with what `why` says after the deadline. */
export async function eventually(
  withinMs: number,
  condition: () => boolean | Promise<boolean>,
  why: () => string | Promise<string>,
): Promise<void> {
  if (!(await until(condition, { timeoutMs: withinMs, everyMs: lookMs })))
    throw new Error(`after ${withinMs / 1000} s: ${await why()}`)
}

export const untilReady = (plane: Plane, namespace: string, withinMs = 60_000): Promise<void> =>
  eventually(
    withinMs,
    () => isReady(plane, namespace),
    () =>
      `${namespace} is not ready: ${JSON.stringify(plane.services.get(namespace, name)?.status?.conditions)}`,
  )

/** By what the watches of the suite tell, but Secrets, which are asked for. */
async function stateOf(plane: Plane, namespace: string): Promise<FinalState> {
  const children = watchedKinds.flatMap(kind => plane.children(kind).list(namespace))
  const service = plane.services.get(namespace, name)
  const secrets = await secretsOf(plane, namespace)
  return finalState(namespace, [...children, ...secrets, ...(service === undefined ? [] : [service])])
}

async function secretsOf({ transport }: Plane, namespace: string): Promise<KubernetesObject[]> {
  const list = await transport.send({ method: 'GET', path: collectionPath('Secret', namespace) })
  const items: KubernetesObject[] = isRecord(list) && Array.isArray(list['items']) ? list['items'] : []
  return items.map(item => ({ ...item, apiVersion: 'v1', kind: 'Secret' }))
}

/** Waits until the namespace holds what it should; answers what differs after the deadline. */
export async function untilState(
  plane: Plane,
  namespace: string,
  wanted: FinalState,
  withinMs: number,
): Promise<string[]> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = differences(wanted, await stateOf(plane, namespace))
    if (found.length === 0 || performance.now() > deadline) return found
    await pause(4 * lookMs)
  }
}

const calmMs = 2_000

/** The state once nothing of it has changed for a while. */
export async function calmState(plane: Plane, namespace: string, withinMs = 60_000): Promise<FinalState> {
  let state = await stateOf(plane, namespace)
  let since = performance.now()
  await eventually(
    withinMs,
    async () => {
      const next = await stateOf(plane, namespace)
      if (differences(state, next).length > 0) since = performance.now()
      state = next
      return performance.now() - since >= calmMs
    },
    () => `${namespace} does not come to rest`,
  )
  return state
}

/** Only what outlives a DataService is left. */
const isGone = (plane: Plane, namespace: string): boolean =>
  plane.services.get(namespace, name) === undefined &&
  watchedKinds.every(kind => plane.children(kind).list(namespace).length === 0)

/** What a life looks like at each of its stations when nobody disturbs it. */
export interface Stations {
  started: FinalState
  changed: FinalState
  deleted: FinalState
}

const taken = [
  ['Service', 'orders-reader'],
  ['Deployment', 'orders-gateway'],
] as const

/** Somebody deletes children; resolves when they are gone, or there again as new ones. */
export async function damaged({ admin, children }: Plane, namespace: string): Promise<void> {
  for (const [kind, child] of taken) {
    const uidNow = () => children(kind).get(namespace, child)?.metadata.uid
    const uid = uidNow()
    if (uid === undefined) continue
    await admin.remove({ kind, namespace, name: child }, { uid, propagation: 'Background' })
    await eventually(
      10_000,
      () => uidNow() !== uid,
      () => `${namespace}: ${child} does not go`,
    )
  }
}

/** Leads a life without any harm, and answers its stations. */
export async function undisturbed(plane: Plane, namespace: string): Promise<Stations> {
  await declare(plane, namespace, firstSpec)
  await untilReady(plane, namespace)
  const started = await calmState(plane, namespace)
  await damaged(plane, namespace)
  await untilState(plane, namespace, started, 30_000)
  await declare(plane, namespace, secondSpec)
  await untilReady(plane, namespace)
  const changed = await calmState(plane, namespace)
  await removed(plane, namespace)
  await eventually(
    60_000,
    () => isGone(plane, namespace),
    () => `${namespace} is not empty`,
  )
  return { started, changed, deleted: await stateOf(plane, namespace) }
}

/** Leads the same life; answers what differed at each station, in words. */
export async function ledLike(
  plane: Plane,
  namespace: string,
  stations: Stations,
  withinMs: number,
): Promise<string[]> {
  const complaints: string[] = []
  const station = async (which: keyof Stations, act: () => Promise<void>): Promise<void> => {
    await act()
    const found = await untilState(plane, namespace, stations[which], withinMs)
    complaints.push(...found.map(each => `${namespace} ${which}: ${each}`))
  }
  await station('started', () => declare(plane, namespace, firstSpec))
  await station('started', () => damaged(plane, namespace))
  await station('changed', () => declare(plane, namespace, secondSpec))
  await station('deleted', () => removed(plane, namespace))
  return complaints
}

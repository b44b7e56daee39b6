/** Writes, and nothing else: takes the steps of a plan to the cluster and to Kafka. Failures come back as data. */

import type { DataService } from '#crds/v1alpha1/resource.ts'
import { type Certify, ForeignSecret, UnusableAuthority } from '#operator/certificates/certify.ts'
import { ClusterError, isClusterError } from '#operator/cluster/errors.ts'
import type { ClusterPort, ObjectMeta } from '#operator/cluster/port.ts'
import { isKind, type Kind } from '#operator/cluster/resources.ts'
import { canonicalText } from '#operator/desired/hash.ts'
import { type Child, isOurs } from '#operator/desired/labels.ts'
import { quantityValue } from '#operator/desired/quantity.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type TopicsPort, TopicsUnavailable } from '#operator/topics/port.ts'
import { foreignClaim } from './claims.ts'
import { withPasswords } from './consumers/passwords.ts'
import { type Growth, requestedStorage } from './growth.ts'
import { nameOf, type Plan, type Step } from './plan.ts'

export interface Failure {
  /**
   * `notOwned`: the name belongs to somebody else. `leaving`: it does, but is on its way out. `invalid`: the API server
   * refuses the object. `retry`: may pass.
   */
  cause: 'notOwned' | 'leaving' | 'notExpandable' | 'invalid' | 'retry'
  message: string
}

export interface Result {
  failures: readonly Failure[]
  /** Steps that were written. */
  written: number
}

interface Ports {
  cluster: ClusterPort
  topics: TopicsPort
  certify: Certify
  /** Hears of each child that was made or changed, as it is stored then, and of what was sent. */
  onStored: (stored: ObservedChild, sent: Child) => void
}

export async function carryOut(owner: DataService, plan: Plan, ports: Ports): Promise<Result> {
  const failures: Failure[] = []
  const unwritten = new Set<string>()
  const unseen = new Set<string>()
  let written = 0
  let newest: Promise<boolean> | undefined
  const run = { ...ports, unseen, isNewest: () => (newest ??= isNewest(owner, ports.cluster)) }
  for (const step of plan.steps) {
    // What looks left over may be about to be replaced by what could not be written.
    if (step.do === 'remove' && !step.regardless && unwritten.size > 0) continue
    // The number of a Deployment that could not be made ours, or that was not new as it seemed, is none of ours.
    const name = nameOf(step)
    if (step.do === 'scale' && (unwritten.has(name) || unseen.has(name))) continue
    const failure = await attempt(owner, step, run)
    if (failure === undefined) written += 1
    else {
      failures.push(failure)
      if (step.do !== 'remove') unwritten.add(name)
    }
  }
  return { failures, written }
}

interface Run extends Ports {
  /** What was there, though the copy did not show it. */
  unseen: Set<string>
  /** Whether the copy that was decided on is the newest state; asked when something is to go. */
  isNewest: () => Promise<boolean>
}

async function attempt(owner: DataService, step: Step, run: Run): Promise<Failure | undefined> {
  try {
    if ((step.do === 'remove' || step.do === 'grow') && !(await run.isNewest())) return behind(owner, step)
    return await make(owner, step, run)
  } catch (error) {
    if (error instanceof TopicsUnavailable) return { cause: 'retry', message: error.message }
    if (error instanceof ClusterError)
      return { cause: causeOf(error), message: `${nameOf(step)}: ${error.message}` }
    throw error
  }
}

/**
 * What is removed is decided by what the DataService does not ask for. An API server that lags behind may show an older
 * one, which asked for less, beside children that are newer. An apply by such a copy is put right by the next run; a
 * removal is not.
 */
async function isNewest({ kind, metadata }: DataService, cluster: ClusterPort): Promise<boolean> {
  const { namespace, name, uid, generation, annotations = {} } = metadata
  const live = (await cluster.get<DataService>({ kind, namespace, name }))?.metadata
  return (
    live?.uid === uid &&
    live.generation === generation &&
    live.deletionTimestamp === undefined &&
    canonicalText(live.annotations ?? {}) === canonicalText(annotations)
  )
}

const behind = ({ kind, metadata }: DataService, step: Step): Failure => ({
  cause: 'retry',
  message:
    `${nameOf(step)} stays for now: what was seen of ${kind} ${metadata.namespace}/${metadata.name} ` +
    'is not its newest state',
})

const causeOf = ({ code }: ClusterError): Failure['cause'] =>
  code === 'Invalid' || code === 'Forbidden' ? 'invalid' : 'retry'

async function make(owner: DataService, step: Step, run: Run): Promise<Failure | undefined> {
  const { cluster, topics } = run
  switch (step.do) {
    case 'apply':
      return apply(owner, step, run)
    case 'create':
      return create(owner, step, run)
    case 'scale':
      await scale(step, cluster)
      return undefined
    case 'remove':
      await cluster.remove(
        { kind: kindOf(step.kind), namespace: step.namespace, name: step.name },
        { uid: step.uid, propagation: 'Background' },
      )
      return undefined
    case 'hold':
      await cluster.apply(step.owner)
      return undefined
    case 'grow':
      return grow(step.growth, cluster)
    case 'certify':
      return signed(owner, step, run)
    case 'elect':
      await topics.elect(step.log)
      return undefined
    case 'replicate':
      await topics.replicate(step.log, step.partitions)
      return undefined
    case 'topics':
      await topics.change(step.log, step.changes)
      return undefined
    case 'access':
      await topics.changeAccess(step.log, await withPasswords(owner, step, cluster))
      return undefined
    default:
      return step satisfies never
  }
}

/** What was not seen is made where its name is free, so that nothing of somebody else's is overwritten. */
async function apply(
  owner: DataService,
  step: Extract<Step, { do: 'apply' }>,
  run: Run,
): Promise<Failure | undefined> {
  const { object, uid } = step
  const { cluster, unseen, onStored } = run
  if (uid !== undefined) return change(object, uid, run)
  const foreign = await foreignClaim(owner, object, cluster)
  const creation = foreign === undefined ? await cluster.applyNew<ObservedChild>(object) : undefined
  if (creation?.kind === 'created') return void onStored(creation.object, object)
  const { metadata } = (await read(object, cluster)) ?? {}
  if (metadata === undefined && foreign !== undefined) return notOwned(owner, foreign)
  if (metadata === undefined) return { cause: 'retry', message: `${nameOf(step)} was there and is gone` }
  if (!isOurs(owner, metadata)) return notOwned(owner, object, metadata)
  unseen.add(nameOf(step))
  return change(object, metadata.uid, run)
}

/** Of the object that has this uid, and of no other. */
async function change(
  object: Child,
  uid: string | undefined,
  { cluster, onStored }: Run,
): Promise<undefined> {
  const metadata = { ...object.metadata, ...(uid !== undefined && { uid }) }
  onStored(await cluster.apply<ObservedChild>({ ...object, metadata }), object)
}

/** A name that is taken may be taken by us: an answer was lost. */
async function create(
  owner: DataService,
  { object, mark }: Extract<Step, { do: 'create' }>,
  run: Run,
): Promise<Failure | undefined> {
  const creation = await run.cluster.create<ObservedChild>(object)
  const live = creation.kind === 'created' ? creation.object : await read(object, run.cluster)
  if (live !== undefined && !isOurs(owner, live.metadata)) return notOwned(owner, object, live.metadata)
  const uid = live?.metadata.uid
  if (live === undefined || uid === undefined) return undefined
  run.onStored(live, object)
  const labelled = isLabelled(object, live) ? undefined : labelsOf(object)
  for (const more of [mark, labelled]) if (more !== undefined) await change(more, uid, run)
  return undefined
}

/** By its labels an object is watched: without them it would be made again and again, and never be seen. */
const isLabelled = (object: Child, { metadata }: ObservedChild): boolean =>
  Object.entries(object.metadata.labels).every(([key, value]) => metadata.labels?.[key] === value)

const labelsOf = ({ apiVersion, kind, metadata: { name, namespace, labels } }: Child): Child => ({
  apiVersion,
  kind,
  metadata: { name, namespace, labels },
})

async function signed(
  owner: DataService,
  step: Extract<Step, { do: 'certify' }>,
  { cluster, certify }: Run,
): Promise<Failure | undefined> {
  try {
    await certify(owner, step, cluster)
    return undefined
  } catch (error) {
    if (error instanceof ForeignSecret) return notOwned(owner, error.secret, error.live.metadata)
    if (error instanceof UnusableAuthority) return { cause: 'invalid', message: error.message }
    throw error
  }
}

/**
 * An autoscaler may have moved the number since it was seen, or the copy lags behind. That number is not ours to take
 * back: what is due then is decided anew when the change has been seen.
 */
async function scale(
  { namespace, name, replicas, from }: Extract<Step, { do: 'scale' }>,
  cluster: ClusterPort,
): Promise<void> {
  try {
    await cluster.scale({ kind: 'Deployment', namespace, name }, replicas, from)
  } catch (error) {
    if (!isClusterError(error, 'Conflict', 'NotFound')) throw error
  }
}

async function grow(
  { namespace, statefulSet, uid, claims, size }: Growth,
  cluster: ClusterPort,
): Promise<Failure | undefined> {
  for (const name of claims) {
    const claim = await cluster.get<ObservedChild>({ kind: 'PersistentVolumeClaim', namespace, name })
    if (claim === undefined) continue // its pod was never started; it will be made with the new size
    if (isAsLarge(claim, size)) continue // kept from a larger one; it could not be made smaller
    try {
      await cluster.apply(enlarged(namespace, name, size))
    } catch (error) {
      if (!isClusterError(error, 'Forbidden', 'Invalid')) throw error
      return {
        cause: 'notExpandable',
        message:
          `PersistentVolumeClaim ${namespace}/${name} cannot grow to ${size}: ${error.message}. ` +
          'Use a StorageClass with allowVolumeExpansion, or put the old size back',
      }
    }
  }
  await cluster.remove({ kind: 'StatefulSet', namespace, name: statefulSet }, { uid, propagation: 'Orphan' })
  return undefined
}

function isAsLarge({ spec }: ObservedChild, size: string): boolean {
  const made = requestedStorage(spec)
  return made !== undefined && (quantityValue(made) ?? 0) >= (quantityValue(size) ?? 0)
}

const enlarged = (namespace: string, name: string, storage: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { namespace, name },
  spec: { resources: { requests: { storage } } },
})

const read = ({ kind, metadata }: Child, cluster: ClusterPort): Promise<ObservedChild | undefined> =>
  cluster.get({ kind: kindOf(kind), namespace: metadata.namespace, name: metadata.name })

function notOwned(owner: DataService, { kind, metadata }: Named, live?: ObjectMeta): Failure {
  const what = `${kind} ${metadata.namespace}/${metadata.name}`
  if (live !== undefined && isLeaving(owner, live))
    return { cause: 'leaving', message: `${what} of before is being deleted; it is made anew after that` }
  return {
    cause: 'notOwned',
    message:
      `${what} exists and belongs to somebody else: ` +
      'delete or rename it, or give this DataService another name',
  }
}

type Named = Pick<Child, 'kind' | 'metadata'>

/** Garbage collection takes the children of a DataService of this name that was deleted before. */
const isLeaving = ({ kind, metadata: { name } }: DataService, live: ObjectMeta): boolean =>
  live.deletionTimestamp !== undefined ||
  (live.ownerReferences ?? []).some(
    each => each.controller === true && each.kind === kind && each.name === name,
  )

function kindOf(kind: string): Kind {
  if (isKind(kind)) return kind
  throw new Error(`kind ${kind} is missing in the table of resources`)
}

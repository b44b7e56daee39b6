/** Writes, and nothing else: takes the steps of a plan to the cluster and to Kafka. Failures come back as data. */

import type { DataService } from '#crds/v1alpha1/resource.ts'
import { ClusterError, isClusterError } from '#operator/cluster/errors.ts'
import type { ClusterPort, KubernetesObject } from '#operator/cluster/port.ts'
import { isKind, type Kind } from '#operator/cluster/resources.ts'
import { type Child, isOurs } from '#operator/desired/labels.ts'
import { type TopicsPort, TopicsUnavailable } from '#operator/topics/port.ts'
import { foreignClaim } from './claims.ts'
import type { Growth } from './growth.ts'
import type { Plan, Step } from './plan.ts'

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
}

export async function carryOut(owner: DataService, plan: Plan, ports: Ports): Promise<Result> {
  const failures: Failure[] = []
  const unwritten = new Set<string>()
  let written = 0
  for (const step of plan.steps) {
    // Nothing is pruned after a failure: what looks left over may be about to be replaced.
    if (step.do === 'remove' && failures.length > 0) continue
    // The number of a Deployment that could not be made ours is none of ours.
    if (step.do === 'scale' && unwritten.has(describe(step))) continue
    const failure = await attempt(owner, step, ports)
    if (failure === undefined) written += 1
    else {
      failures.push(failure)
      unwritten.add(describe(step))
    }
  }
  return { failures, written }
}

async function attempt(owner: DataService, step: Step, ports: Ports): Promise<Failure | undefined> {
  try {
    return await make(owner, step, ports)
  } catch (error) {
    if (error instanceof TopicsUnavailable) return { cause: 'retry', message: error.message }
    if (error instanceof ClusterError)
      return { cause: causeOf(error), message: `${describe(step)}: ${error.message}` }
    throw error
  }
}

const causeOf = ({ code }: ClusterError): Failure['cause'] =>
  code === 'Invalid' || code === 'Forbidden' ? 'invalid' : 'retry'

async function make(
  owner: DataService,
  step: Step,
  { cluster, topics }: Ports,
): Promise<Failure | undefined> {
  switch (step.do) {
    case 'apply':
      return apply(owner, step, cluster)
    case 'create':
      return create(owner, step, cluster)
    case 'scale':
      await cluster.scale({ kind: 'Deployment', namespace: step.namespace, name: step.name }, step.replicas)
      return undefined
    case 'remove':
      await cluster.remove(
        { kind: kindOf(step.kind), namespace: step.namespace, name: step.name },
        { uid: step.uid, propagation: 'Background' },
      )
      return undefined
    case 'grow':
      return grow(step.growth, cluster)
    case 'topics':
      await topics.change(step.servers, step.changes)
      return undefined
    default:
      return step satisfies never
  }
}

/** A name is applied without force the first time, so that nothing of somebody else's is overwritten. */
async function apply(
  owner: DataService,
  { object, uid }: Extract<Step, { do: 'apply' }>,
  cluster: ClusterPort,
): Promise<Failure | undefined> {
  const live = uid === undefined ? await read(object, cluster) : undefined
  if (live !== undefined && !isOurs(owner, live.metadata)) return notOwned(owner, object, live)
  const known = uid ?? live?.metadata.uid
  const foreign = known === undefined ? await foreignClaim(owner, object, cluster) : undefined
  if (foreign !== undefined) return notOwned(owner, foreign)
  if (known === undefined) await cluster.apply(object, { force: false })
  else await cluster.apply({ ...object, metadata: { ...object.metadata, uid: known } }, { force: true })
  return undefined
}

/** A name that is taken may be taken by us: an answer was lost. */
async function create(
  owner: DataService,
  { object, mark }: Extract<Step, { do: 'create' }>,
  cluster: ClusterPort,
): Promise<Failure | undefined> {
  const creation = await cluster.create(object)
  const live: KubernetesObject | undefined =
    creation.kind === 'created' ? creation.object : await read(object, cluster)
  if (live !== undefined && !isOurs(owner, live.metadata)) return notOwned(owner, object, live)
  const uid = live?.metadata.uid
  if (mark === undefined || uid === undefined) return undefined
  await cluster.apply({ ...mark, metadata: { ...mark.metadata, uid } }, { force: true })
  return undefined
}

async function grow(
  { namespace, statefulSet, uid, claims, size }: Growth,
  cluster: ClusterPort,
): Promise<Failure | undefined> {
  for (const name of claims) {
    const claim = await cluster.get({ kind: 'PersistentVolumeClaim', namespace, name })
    if (claim === undefined) continue // its pod was never started; it will be made with the new size
    try {
      await cluster.apply(enlarged(namespace, name, size), { force: true })
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

const enlarged = (namespace: string, name: string, storage: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { namespace, name },
  spec: { resources: { requests: { storage } } },
})

const read = ({ kind, metadata }: Child, cluster: ClusterPort): Promise<KubernetesObject | undefined> =>
  cluster.get({ kind: kindOf(kind), namespace: metadata.namespace, name: metadata.name })

function notOwned(owner: DataService, { kind, metadata }: Named, live?: KubernetesObject): Failure {
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
const isLeaving = ({ kind, metadata: { name } }: DataService, { metadata }: KubernetesObject): boolean =>
  metadata.deletionTimestamp !== undefined ||
  (metadata.ownerReferences ?? []).some(
    each => each.controller === true && each.kind === kind && each.name === name,
  )

function kindOf(kind: string): Kind {
  if (isKind(kind)) return kind
  throw new Error(`kind ${kind} is missing in the table of resources`)
}

function describe(step: Step): string {
  switch (step.do) {
    case 'apply':
    case 'create':
      return `${step.object.kind} ${step.object.metadata.name}`
    case 'scale':
      return `Deployment ${step.name}`
    case 'remove':
      return `${step.kind} ${step.name}`
    case 'grow':
      return `StatefulSet ${step.growth.statefulSet}`
    case 'topics':
      return 'topics'
    default:
      return step satisfies never
  }
}

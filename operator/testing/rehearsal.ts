/** The loop against the in-memory cluster, from an empty namespace until nothing moves any more. */

import type { DataServiceClass } from '#crds/v1alpha1/class.ts'
import type { Operation } from '#crds/v1alpha1/operation.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { judgeRecord } from '#dataservice/contract/record-schema.ts'
import { certify } from '#operator/certificates/certify.ts'
import { isClusterError } from '#operator/cluster/errors.ts'
import { InMemoryCluster } from '#operator/cluster/in-memory.ts'
import { silentLog } from '#operator/cluster/log.ts'
import type { ClusterPort, KubernetesObject, ObjectStore } from '#operator/cluster/port.ts'
import type { Kind } from '#operator/cluster/resources.ts'
import { Store } from '#operator/cluster/store.ts'
import { demandedKinds, watchedKinds } from '#operator/desired/children.ts'
import { keepingOf } from '#operator/desired/keeping.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { watchedBeside } from '#operator/desired/watched-beside.ts'
import { inMemoryReadiness } from '#operator/pods/in-memory.ts'
import { announcer } from '#operator/reconcile/announce.ts'
import { hearing } from '#operator/reconcile/hearing.ts'
import { seenSecrets } from '#operator/reconcile/own-secrets.ts'
import type { Patience } from '#operator/reconcile/patience.ts'
import { type Deps, reconcile } from '#operator/reconcile/reconcile.ts'
import { remembered } from '#operator/reconcile/remembered-verdict.ts'
import { restraint } from '#operator/reconcile/restraint.ts'
import { rests } from '#operator/reconcile/rests.ts'
import { turnstile } from '#operator/reconcile/upgrade/turnstile.ts'
import { type InMemoryTopics, inMemoryTopics } from '#operator/topics/in-memory.ts'
import { images, testRevision } from './target.ts'

const judge = remembered(judgeRecord)

export interface Rehearsal {
  cluster: InMemoryCluster
  topics: InMemoryTopics
  key: { namespace: string; name: string }
}

/** An empty cluster that holds this DataService only. */
export async function rehearse(owner: DataService): Promise<Rehearsal> {
  const cluster = new InMemoryCluster()
  const { namespace, name } = owner.metadata
  const { uid: _uid, resourceVersion: _version, generation: _generation, ...metadata } = owner.metadata
  await cluster.as('user').create({ ...owner, metadata })
  return { cluster, topics: inMemoryTopics(), key: { namespace, name } }
}

export interface Start {
  /** The kinds of others were not read yet. */
  serving?: 'unread'
  /** What is not as in all other starts. */
  differing?: Partial<Deps>
}

/** Runs of an operator that was just started: it remembers nothing. `writes` may stand between it and the cluster. */
export function startedOn(
  { cluster, topics, key }: Rehearsal,
  writes: ClusterPort = cluster,
  { serving, differing }: Start = {},
) {
  const owners = cluster.watch<DataService>('DataService')
  const kinds: Kind[] = [...watchedKinds, ...watchedBeside.map(({ kind }) => kind)]
  const stores = new Map<Kind, ObjectStore<ObservedChild>>(
    kinds.map(kind => [kind, cluster.watch<ObservedChild>(kind, {}, keepingOf(kind))]),
  )
  const now = (): Date => new Date('2026-01-01T00:00:00Z')
  const deps: Deps = {
    cluster: writes,
    topics,
    certify,
    images,
    revision: testRevision,
    turns: turnstile({ places: 1, inside: () => [], exists: () => true, wake: () => {} }),
    owners,
    classes: cluster.watch<DataServiceClass>('DataServiceClass'),
    operations: cluster.watch<Operation>('DataServiceOperation'),
    stores: kind => {
      const store = stores.get(kind)
      if (store === undefined) throw new Error(`kind ${kind} is not watched`)
      return store
    },
    onDemand: kind => {
      if (serving === 'unread') return new Store<ObservedChild>(kind, keepingOf(kind).shelving)
      const store = stores.get(kind) ?? cluster.watch<ObservedChild>(kind, {}, keepingOf(kind))
      stores.set(kind, store)
      return store
    },
    readiness: inMemoryReadiness(),
    judge,
    seenSecrets: seenSecrets(() => 0, 1),
    restraint: restraint(() => 0),
    patience: impatient,
    rests: rests(() => 0, 1),
    hearing: hearing(() => 0),
    announce: announcer({ cluster: writes, log: silentLog, monotonicMs: () => 0, now }),
    now,
    ...differing,
  }
  return () => reconcile(key, deps)
}

/** Each status is seen. */
const impatient: Patience = { waitMs: () => undefined, forget: () => {} }

/** Rounds of run and play; far more than any undisturbed start needs. */
const mostRounds = 30

/**
 * Alternates runs and the controllers of Kubernetes until neither writes. `writes` may stand between the runs and the
 * cluster. Rejects when they never settle.
 */
export async function untilSettled(rehearsal: Rehearsal, writes?: ClusterPort, start?: Start): Promise<void> {
  const run = startedOn(rehearsal, writes, start)
  for (let round = 0; round < mostRounds; round++) {
    const before = rehearsal.cluster.writes.length
    await run().catch(error => {
      if (!isClusterError(error)) throw error // the queue comes again after any failure of the cluster
    })
    const played = await playControllers(rehearsal)
    if (!played && rehearsal.cluster.writes.length === before) return
  }
  throw new Error(`not settled after ${mostRounds} rounds`)
}

/** Everything asked for becomes ready at once. Answers whether anything was to be done. */
async function playControllers({ cluster }: Rehearsal): Promise<boolean> {
  const controllers = cluster.as('controllers')
  let wasPlayed = false
  for (const kind of played) {
    for (const workload of await cluster.list<ObservedChild>(kind).catch(orNone)) {
      const status = playedStatus(workload)
      if (JSON.stringify(workload.status) === JSON.stringify(status)) continue
      await controllers.patchStatus({ ...workload, status })
      wasPlayed = true
    }
  }
  return wasPlayed
}

const played = ['StatefulSet', 'Deployment', 'Job', 'Cluster', 'KafkaTopic', 'KafkaUser'] as const

/** A kind of others may not be served. */
function orNone(error: unknown): [] {
  if (isClusterError(error, 'NotFound')) return []
  throw error
}

function playedStatus(workload: ObservedChild): object {
  if (workload.kind === 'Job') return finishedJob
  if (workload.kind === 'KafkaTopic' || workload.kind === 'KafkaUser') return readyOfStrimzi(workload)
  return workload.kind === 'Cluster' ? readyCluster(workload) : readyPods(workload)
}

/** As CloudNativePG tells it. */
const readyCluster = ({ spec }: ObservedChild) => ({
  instances: spec?.['instances'],
  readyInstances: spec?.['instances'],
  phase: 'Cluster in healthy state',
  conditions: [{ type: 'Ready', status: 'True', reason: 'ClusterIsReady' }],
})

const readyOfStrimzi = ({ metadata }: ObservedChild) => ({
  conditions: [{ type: 'Ready', status: 'True' }],
  observedGeneration: metadata.generation,
})

const finishedJob = { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] }

function readyPods({ spec, metadata }: ObservedChild) {
  const pods = typeof spec?.['replicas'] === 'number' ? spec['replicas'] : 1
  const observedGeneration = metadata.generation ?? 0
  return { replicas: pods, readyReplicas: pods, updatedReplicas: pods, observedGeneration }
}

const comparedKinds: readonly Kind[] = ['DataService', ...watchedKinds, ...demandedKinds]

/** All objects but Secrets, without what the server alone decides: two ways to the same end give the same text. */
export async function finalState({ cluster, topics, key }: Rehearsal): Promise<object> {
  const objects: [string, object][] = []
  for (const kind of comparedKinds) {
    for (const object of await cluster.list<KubernetesObject>(kind, { namespace: key.namespace })) {
      const {
        uid: _uid,
        resourceVersion: _v,
        generation: _g,
        creationTimestamp: _t,
        ...metadata
      } = object.metadata
      const owners = metadata.ownerReferences?.map(({ uid: _, ...reference }) => reference)
      objects.push([
        `${kind}/${metadata.name}`,
        { ...object, metadata: { ...metadata, ownerReferences: owners } },
      ])
    }
  }
  return {
    objects: Object.fromEntries(objects),
    topics: await topics.describe({ servers: [''] }, allTopics(key)),
  }
}

const allTopics = ({ namespace, name }: Rehearsal['key']): string[] =>
  ['events', 'dead-letters'].map(topic => `${namespace}.${name}.${topic}`)

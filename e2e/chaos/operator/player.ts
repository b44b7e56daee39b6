/** Plays the controllers of workloads where there are no nodes: what is asked for is ready at once, a migration succeeds. */
import { setTimeout as pause } from 'node:timers/promises'
import { isClusterError } from '#operator/cluster/errors.ts'
import type { ClusterPort, KubernetesObject, ObjectStore } from '#operator/cluster/port.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { jobEnd } from '#operator/reconcile/progress.ts'

export const playedKinds = ['StatefulSet', 'Deployment', 'Job'] as const

/** So long a workload takes to be ready. */
const comesUpMs = 20

/** Answers the function that ends it, which waits for what is under way. */
export function startPlaying(
  cluster: Pick<ClusterPort, 'patchStatus'>,
  stores: readonly ObjectStore<ObservedChild>[],
): () => Promise<void> {
  const open = new Set<Promise<void>>()
  const newest = new Map<string, ObservedChild>()
  /** One status at a time for each object; what changes while it comes up is answered together, as controllers do. */
  const follow = async (key: string): Promise<void> => {
    for (let seen = newest.get(key); seen !== undefined; seen = newest.get(key)) {
      await pause(comesUpMs)
      seen = newest.get(key) ?? seen
      const status = playedStatus(seen)
      if (status !== undefined) await written({ ...seen, status })
      if (newest.get(key) === seen) newest.delete(key)
    }
  }
  const written = async (workload: KubernetesObject & { status: object }): Promise<void> => {
    try {
      await cluster.patchStatus(workload)
    } catch (error) {
      if (!isClusterError(error)) throw error // replaced or gone by now: its next change comes here, too
    }
  }
  const play = (workload: ObservedChild): void => {
    const key = `${workload.kind}/${workload.metadata.uid}`
    const isFollowed = newest.has(key)
    newest.set(key, workload)
    if (isFollowed) return
    const following = follow(key)
    open.add(following)
    void following.finally(() => open.delete(following))
  }
  const ends = stores.map(store => {
    for (const workload of store.list()) play(workload)
    return store.onChange(change => {
      if (change.kind !== 'deleted') play(change.object)
    })
  })
  return async () => {
    for (const end of ends) end()
    await Promise.all(open)
  }
}

/** Undefined: it says so already, or is on its way out. */
function playedStatus(workload: ObservedChild): object | undefined {
  const { kind, status = {}, metadata } = workload
  if (metadata.deletionTimestamp !== undefined) return undefined
  if (kind === 'Job') return jobEnd(workload) === undefined ? succeeded() : undefined
  const wanted = readyPods(workload)
  const same = Object.entries(wanted).every(([field, value]) => (status[field] ?? 0) === value)
  return same ? undefined : { ...status, ...wanted }
}

function readyPods({ spec = {}, metadata: { generation = 0 } }: ObservedChild): Record<string, number> {
  const pods = typeof spec['replicas'] === 'number' ? spec['replicas'] : 1
  const counts = { replicas: pods, readyReplicas: pods, updatedReplicas: pods, availableReplicas: pods }
  return { ...counts, observedGeneration: generation }
}

function succeeded(): object {
  const now = new Date().toISOString().replace(/\.\d+/, '')
  const state = (type: string) => ({ type, status: 'True', lastProbeTime: now, lastTransitionTime: now })
  return {
    startTime: now,
    completionTime: now,
    succeeded: 1,
    conditions: [state('SuccessCriteriaMet'), state('Complete')],
  }
}

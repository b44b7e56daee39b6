/** Plays the controllers of workloads where there are no nodes: what is asked for is ready at once, a migration succeeds. */
import { isClusterError } from '#operator/cluster/errors.ts'
import type { ClusterPort, ObjectStore } from '#operator/cluster/port.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { jobEnd } from '#operator/reconcile/progress.ts'

export const playedKinds = ['StatefulSet', 'Deployment', 'Job'] as const

/** Answers the function that ends it, which waits for what is under way. */
export function startPlaying(
  cluster: Pick<ClusterPort, 'patchStatus'>,
  stores: readonly ObjectStore<ObservedChild>[],
): () => Promise<void> {
  const open = new Set<Promise<void>>()
  const play = (workload: ObservedChild): void => {
    const status = playedStatus(workload)
    if (status === undefined) return
    const written = cluster.patchStatus({ ...workload, status }).then(
      () => {},
      (error: unknown) => {
        if (!isClusterError(error)) throw error // replaced or gone by now: its next change comes here, too
      },
    )
    open.add(written)
    void written.finally(() => open.delete(written))
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

/** Plays the controllers of workloads, where only an API server runs: no pod exists, their statuses are written. */
import { kubectl } from '#e2e/control-plane/inject.ts'
import { isPlainObject } from '#operator/desired/hash.ts'

/** A StatefulSet or Deployment (`deployment/orders-gateway`): as many pods as asked for are ready, of the newest version. */
export async function playPods(namespace: string, what: string, ready?: number): Promise<void> {
  const workload: unknown = JSON.parse(await kubectl(['-n', namespace, 'get', what, '-o', 'json']))
  if (!isPlainObject(workload) || !isPlainObject(workload['spec']) || !isPlainObject(workload['metadata'])) {
    throw new Error(`${what} is no workload`)
  }
  const pods = workload['spec']['replicas']
  await patchStatus(namespace, what, {
    replicas: pods,
    readyReplicas: ready ?? pods,
    updatedReplicas: pods,
    availableReplicas: ready ?? pods,
    observedGeneration: workload['metadata']['generation'],
  })
}

/** The migration that is due succeeds. */
export async function playMigration(namespace: string): Promise<void> {
  const open = '{range .items[*]}{.status.completionTime}{" "}{.metadata.name}{"\\n"}{end}'
  const jobs = await kubectl(['-n', namespace, 'get', 'jobs', '-o', `jsonpath=${open}`])
  const due = jobs.split('\n').find(line => line.startsWith(' '))
  if (due === undefined) throw new Error('no migration is due')
  await playJob(namespace, `job/${due.trim()}`)
}

/** It succeeds. */
export async function playJob(namespace: string, job: string): Promise<void> {
  const now = new Date().toISOString()
  const state = (type: string) => ({ type, status: 'True', lastProbeTime: now, lastTransitionTime: now })
  await patchStatus(namespace, job, {
    startTime: now,
    completionTime: now,
    succeeded: 1,
    conditions: [state('SuccessCriteriaMet'), state('Complete')],
  })
}

/** The status of a workload or pod, merged into what it has. */
export async function patchStatus(namespace: string, what: string, status: object): Promise<void> {
  const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]
  await kubectl(['-n', namespace, 'patch', what, ...patch])
}

/** Kills a pod's container the hard way, as the kernel would. For the embedded cluster: its pods are processes of this machine. */
import { readdir, readFile } from 'node:fs/promises'
import type { Cluster } from '#e2e/cluster/handle.ts'

interface ListedPod {
  metadata: { name: string; deletionTimestamp?: string }
  status: { phase?: string }
}

/** Names of the running pods of one part; those that are about to end do not count. */
export async function podsOf(cluster: Cluster, namespace: string, component: string): Promise<string[]> {
  const selector = `app.kubernetes.io/component=${component}`
  const list = await cluster.kubectl(['-n', namespace, 'get', 'pods', '-l', selector, '-o', 'json'])
  const { items } = JSON.parse(list) as { items: ListedPod[] }
  return items
    .filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase === 'Running')
    .map(({ metadata }) => metadata.name)
}

/** Sends SIGKILL to the first process of the pod's first container. Rejects when there is none. */
export async function killPod(cluster: Cluster, namespace: string, pod: string): Promise<void> {
  if (cluster.kind !== 'embedded')
    throw new Error('only the pods of the embedded cluster are processes of this machine')
  const field = 'jsonpath={.status.containerStatuses[0].containerID}'
  const container = (await cluster.kubectl(['-n', namespace, 'get', `pod/${pod}`, '-o', field])).replace(
    'containerd://',
    '',
  )
  if (!/^[0-9a-f]{64}$/.test(container)) throw new Error(`pod ${pod} has no container: '${container}'`)
  const pids = (await readdir('/proc')).filter(entry => /^\d+$/.test(entry))
  for (const pid of pids) {
    if (!(await isFirstProcessOf(pid, container))) continue
    process.kill(Number(pid), 'SIGKILL')
    return
  }
  throw new Error(`no process of pod ${pod} was found`)
}

/** The cgroup says which container a process belongs to, and the kernel tells its id in the container's namespace. */
async function isFirstProcessOf(pid: string, container: string): Promise<boolean> {
  try {
    const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8')
    if (!cgroup.includes(container)) return false
    return /^NSpid:.*\s1$/m.test(await readFile(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false // it ended while we looked
  }
}

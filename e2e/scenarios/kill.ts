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
  process.kill(await firstProcessOf(cluster, namespace, pod), 'SIGKILL')
}

/** The first process of the pod's first container, as this machine knows it. Rejects when there is none. */
export async function firstProcessOf(cluster: Cluster, namespace: string, pod: string): Promise<number> {
  for (const pid of await processesOf(cluster, namespace, pod)) if (await isFirst(pid)) return pid
  throw new Error(`no process of pod ${pod} was found`)
}

/** All processes of the pod's first container, as this machine knows them. */
async function processesOf(cluster: Cluster, namespace: string, pod: string): Promise<number[]> {
  if (cluster.kind !== 'embedded')
    throw new Error('only the pods of the embedded cluster are processes of this machine')
  const field = 'jsonpath={.status.containerStatuses[0].containerID}'
  const container = (await cluster.kubectl(['-n', namespace, 'get', `pod/${pod}`, '-o', field])).replace(
    'containerd://',
    '',
  )
  if (!/^[0-9a-f]{64}$/.test(container)) throw new Error(`pod ${pod} has no container: '${container}'`)
  return processesWhere(cgroup => cgroup.includes(container))
}

/** A process and all that come from it, the process first. */
export async function treeOf(root: number): Promise<number[]> {
  const pids = await runningProcesses()
  const parents = await Promise.all(pids.map(parentOf))
  const tree = [root]
  for (const parent of tree) tree.push(...pids.filter((_, index) => parents[index] === parent))
  return tree
}

/** Sends SIGKILL to every process of every container of a node, as a loss of power would; its kubelet lives on. */
export async function killContainersOf(cluster: Cluster, node: string): Promise<void> {
  const pods = `/dataservice-${cluster.name}/${node}/kubepods/`
  const pids = await processesWhere(cgroup => cgroup.includes(pods))
  if (pids.length === 0) throw new Error(`no containers run on ${node}`)
  for (const pid of pids) send('SIGKILL', pid)
}

/** The kernel says which container a process belongs to. */
async function processesWhere(isWanted: (cgroup: string) => boolean): Promise<number[]> {
  const pids = await runningProcesses()
  const cgroups = await Promise.all(pids.map(pid => readIfThere(`/proc/${pid}/cgroup`)))
  return pids.filter((_, index) => isWanted(cgroups[index] ?? ''))
}

const runningProcesses = async (): Promise<number[]> =>
  (await readdir('/proc')).filter(entry => /^\d+$/.test(entry)).map(Number)

/** NaN when it ended meanwhile. */
const parentOf = async (pid: number): Promise<number> =>
  Number(/^PPid:\s+(\d+)$/m.exec(await readIfThere(`/proc/${pid}/status`))?.[1])

/** The kernel tells a process's id in its container's namespace, too. */
const isFirst = async (pid: number): Promise<boolean> =>
  /^NSpid:.*\s1$/m.test(await readIfThere(`/proc/${pid}/status`))

const readIfThere = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '') // it ended meanwhile

/** Does nothing when the process ended by itself in the meantime. */
export function send(signal: NodeJS.Signals, pid: number): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it is gone
  }
}

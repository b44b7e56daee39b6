/** Kills the program of a pod's container the hard way, as the kernel would. For the embedded cluster: its pods are processes of this machine. */
import { readdir, readFile } from 'node:fs/promises'
import type { Cluster } from '#e2e/cluster/cluster.ts'

/** Names of the pods of one part. */
export async function podsOf(cluster: Cluster, namespace: string, component: string): Promise<string[]> {
  const selector = `app.kubernetes.io/component=${component}`
  const fields = '--field-selector=status.phase=Running'
  const names = await cluster.kubectl(['-n', namespace, 'get', 'pods', '-l', selector, fields, '-o', 'name'])
  return names
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.replace('pod/', ''))
}

/** Sends SIGKILL to the first process of the pod's container. Rejects when there is none. */
export async function killPod(cluster: Cluster, pod: string): Promise<void> {
  if (cluster.kind !== 'embedded')
    throw new Error('only the pods of the embedded cluster are processes of this machine')
  const pids = (await readdir('/proc')).filter(entry => /^\d+$/.test(entry))
  for (const pid of pids) {
    if (await isFirstProcessOf(pid, pod, cluster.name)) {
      process.kill(Number(pid), 'SIGKILL')
      return
    }
  }
  throw new Error(`no process of pod ${pod} was found`)
}

/** The kernel tells a process's id in its own namespace; pods get their name by the environment. */
async function isFirstProcessOf(pid: string, pod: string, clusterName: string): Promise<boolean> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8')
    if (!environment.split('\0').includes(`POD_NAME=${pod}`)) return false
    const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8')
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    return cgroup.includes(clusterName) && /^NSpid:.*\s1$/m.test(status)
  } catch {
    return false // it ended while we looked
  }
}

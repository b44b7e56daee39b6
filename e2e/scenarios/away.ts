/** Takes a pod away without ending it: it hangs, or its cable is pulled. For the embedded cluster. */
import type { Cluster } from '#e2e/cluster/handle.ts'
import { run } from '#tools/shell.ts'
import { firstProcessOf, send, treeOf } from './kill.ts'

/** Undoes the fault. Does nothing when the pod has gone meanwhile. */
export type Heal = () => Promise<void>

/**
 * Stops what the pod's first container runs: connections stay open, and nothing answers. The container's first process
 * stops before the others, so that it starts none meanwhile. A probe that is just being started is left alone: with a
 * stopped one the kubelet waits for minutes, and the pod stays ready.
 */
export async function freezePod(cluster: Cluster, namespace: string, pod: string): Promise<Heal> {
  const first = await firstProcessOf(cluster, namespace, pod)
  send('SIGSTOP', first)
  const pids = await treeOf(first)
  for (const pid of pids) send('SIGSTOP', pid)
  return async () => {
    for (const pid of pids) send('SIGCONT', pid)
  }
}

/** Pulls the cable between the pod and its node: packets vanish in both directions, and nobody is told. */
export async function unplugPod(cluster: Cluster, namespace: string, pod: string): Promise<Heal> {
  const field = 'jsonpath={.spec.nodeName}'
  const node = await cluster.kubectl(['-n', namespace, 'get', `pod/${pod}`, '-o', field])
  const pid = await firstProcessOf(cluster, namespace, pod)
  const inside = await run('nsenter', [`--target=${pid}`, '--net', 'ip', '-o', 'link', 'show', 'eth0'])
  const number = /eth0@if(\d+):/.exec(inside)?.[1]
  const links = await cluster.nodeExec(node, ['ip', '-o', 'link', 'show'])
  const link = links
    .split('\n')
    .flatMap(line => /^(\d+): ([^:@]+)/.exec(line)?.slice(1, 3).join(' ') ?? [])
    .find(each => each.startsWith(`${number} `))
    ?.split(' ')[1]
  if (link === undefined) throw new Error(`no cable of pod ${pod} in ${links}`)
  await cluster.nodeExec(node, ['ip', 'link', 'set', link, 'down'])
  return async () => {
    await cluster.nodeExec(node, ['ip', 'link', 'set', link, 'up']).catch(() => {}) // gone with its pod
  }
}

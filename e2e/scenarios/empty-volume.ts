/** The disaster that a volume is lost, while its engine is at work. */
import type { Cluster } from '#e2e/cluster/handle.ts'
import type { ServiceRef } from '#e2e/stack/service.ts'

/** Removes what is in the volume of a part's first pod, and the pod that had it open. */
export async function emptyVolume(
  cluster: Cluster,
  { namespace, name }: ServiceRef,
  part: 'kafka' | 'postgres',
): Promise<void> {
  const kubectl = (...args: string[]): Promise<string> => cluster.kubectl(['-n', namespace, ...args])
  const pod = `${name}-${part}-0`
  const node = await kubectl('get', `pod/${pod}`, '-o', 'jsonpath={.spec.nodeName}')
  const volume = await kubectl('get', `pvc/data-${pod}`, '-o', 'jsonpath={.spec.volumeName}')
  // Until then the engine goes on writing, also into folders that are just being removed.
  const emptied = `until find /run/node/volumes/${volume} -mindepth 1 -delete; do :; done`
  await cluster.nodeExec(node.trim(), ['timeout', '30', 'sh', '-c', emptied])
  await kubectl('delete', `pod/${pod}`, '--grace-period=1', '--wait=false')
}

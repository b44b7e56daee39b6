/** Evicts pods as a drain does, one after the other: through the eviction API, which asks the disruption budgets. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster } from '#e2e/cluster/handle.ts'
import type { ServiceRef } from '#e2e/stack/service.ts'

export interface ReadyPod {
  name: string
  uid: string
  isReady: boolean
}

/** The pods of one part of a service, without those that end. */
export async function podsOf(
  cluster: Cluster,
  { namespace, name }: ServiceRef,
  part: string,
): Promise<ReadyPod[]> {
  const selector = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=${part}`
  const text = await cluster.kubectl(['-n', namespace, 'get', 'pods', '-l', selector, '-o', 'json'])
  const { items } = JSON.parse(text) as {
    items: {
      metadata: { name: string; uid: string; deletionTimestamp?: string }
      status: { conditions?: { type: string; status: string }[] }
    }[]
  }
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, status }) => ({
      name: metadata.name,
      uid: metadata.uid,
      isReady: (status.conditions ?? []).some(each => each.type === 'Ready' && each.status === 'True'),
    }))
}

/** Asks again for as long as a budget says no, as a drain does. Rejects after `timeoutMs`. */
export async function evict(
  cluster: Cluster,
  { namespace }: ServiceRef,
  pod: string,
  timeoutMs: number,
): Promise<void> {
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace, name: pod },
  }
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      await cluster.kubectl(['create', '--raw', path, '-f', '-'], { input: JSON.stringify(eviction) })
      return
    } catch (error) {
      if (!String(error).includes('disruption budget') || Date.now() > deadline) throw error
      await delay(500)
    }
  }
}

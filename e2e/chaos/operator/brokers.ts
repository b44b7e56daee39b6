/** Plays the pods of brokers where there are no nodes: a log that grows waits until the new ones are there. */
import { isClusterError } from '#operator/cluster/errors.ts'
import type { ClusterPort, KubernetesObject, ObjectStore } from '#operator/cluster/port.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { podProgress } from '#operator/reconcile/progress.ts'

type Pods = Pick<ClusterPort, 'apply' | 'patchStatus' | 'get' | 'remove'>

const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }

/** Each broker that is asked for has a ready pod, and no other one has any. Answers the function that ends it. */
export function startBrokers(cluster: Pods, sets: ObjectStore<ObservedChild>): () => Promise<void> {
  const turns = new Map<string, Promise<void>>()
  /** One after the other for each StatefulSet. */
  const play = (set: ObservedChild): void => {
    if (set.metadata.labels?.[labelKeys.component] !== 'kafka') return
    const key = `${set.metadata.namespace}/${set.metadata.name}`
    const turn = (turns.get(key) ?? Promise.resolve()).then(() => played(cluster, set))
    turns.set(key, turn)
  }
  for (const set of sets.list()) play(set)
  const end = sets.onChange(change => {
    if (change.kind !== 'deleted') play(change.object)
  })
  return async () => {
    end()
    await Promise.all(turns.values())
  }
}

async function played(cluster: Pods, set: ObservedChild): Promise<void> {
  const { wanted, existing } = podProgress(set)
  try {
    for (let place = 0; place < wanted; place++) {
      const pod = await cluster.apply(podOf(set, place))
      await cluster.patchStatus({ ...pod, status: ready })
    }
    for (let place = wanted; place < existing; place++) await removed(cluster, podOf(set, place))
  } catch (error) {
    if (!isClusterError(error)) throw error // its namespace goes, or its ServiceAccount is yet to come: it changes again
  }
}

function podOf({ metadata, spec = {} }: ObservedChild, place: number): KubernetesObject & { spec: object } {
  const { template } = spec as { template: { metadata: { labels: Record<string, string> }; spec: PodSpec } }
  const { serviceAccountName } = template.spec
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${metadata.name}-${place}`,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels: template.metadata.labels,
    },
    spec: {
      serviceAccountName,
      automountServiceAccountToken: false,
      containers: [{ name: 'kafka', image: 'played' }],
    },
  }
}

interface PodSpec {
  serviceAccountName: string
}

async function removed(
  cluster: Pods,
  { metadata: { namespace = '', name } }: KubernetesObject,
): Promise<void> {
  const ref = { kind: 'Pod', namespace, name } as const
  const uid = (await cluster.get(ref))?.metadata.uid
  if (uid !== undefined) await cluster.remove(ref, { uid, propagation: 'Background' })
}

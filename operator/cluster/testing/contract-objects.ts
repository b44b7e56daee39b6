/** The objects of the cluster contract: one plain, one with a scale, one with a status of ours. */
import type { V1ConfigMap, V1Deployment } from '@kubernetes/client-node'
import { smallestSpec } from '#operator/testing/data-service.ts'
import type { ClusterError, ClusterErrorCode } from '../errors.ts'
import type { Change, KubernetesObject, ObjectMeta, ObjectRef, WatchedStore, WireObject } from '../port.ts'

export type ConfigMap = WireObject<V1ConfigMap>
export type Deployment = WireObject<V1Deployment>
export type Service = KubernetesObject & { spec: typeof smallestSpec; status?: Record<string, unknown> }

/** No object has it. */
export const unwantedUid = '00000000-0000-4000-8000-000000000000'

export const refTo = (kind: ObjectRef['kind'], namespace: string): ObjectRef => ({
  kind,
  namespace,
  name: 'one',
})

export function configMap(
  namespace: string,
  data: Record<string, string>,
  more: Partial<ObjectMeta> = {},
): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace, ...more }, data }
}

export function spec(image: string): NonNullable<Deployment['spec']> {
  const labels = { app: 'one' }
  const containers = [{ name: 'main', image, ports: [{ containerPort: 80 }] }]
  return { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } }
}

export function deployment(namespace: string, more: Partial<ObjectMeta> = {}): Deployment {
  const metadata = { name: 'one', namespace, ...more }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: spec('some:1') }
}

export function service(namespace: string): Service {
  const metadata = { name: 'one', namespace }
  return { apiVersion: 'dataservice.dev/v1alpha1', kind: 'DataService', metadata, spec: smallestSpec }
}

/** The code of the ClusterError a promise rejects with. */
export async function codeOf(attempt: Promise<unknown>): Promise<ClusterErrorCode | 'resolved'> {
  return attempt.then(
    () => 'resolved',
    (error: ClusterError) => error.code,
  )
}

/** The copy, and the changes of it since its first list, as text. */
export async function watched(store: WatchedStore<ConfigMap>) {
  await store.synced
  const changes: Change<ConfigMap>[] = []
  store.onChange(change => changes.push(change))
  const text = ({ data }: ConfigMap) => `a=${data?.a}`
  return {
    store,
    seen: () =>
      changes.map(change => {
        const before = change.kind === 'updated' ? `${text(change.old)} to ` : ''
        return `${change.kind} ${before}${text(change.object)}`
      }),
    [Symbol.asyncDispose]: () => store.stop(),
  }
}

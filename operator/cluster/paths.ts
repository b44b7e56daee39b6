/** Where the API server serves an object or a collection. Pure. */
import { ClusterError } from './errors.ts'
import type { ObjectRef, Scope } from './port.ts'
import { isKind, type Kind, resources } from './resources.ts'

export type Subresource = 'status' | 'scale'

/** `/apis/apps/v1/namespaces/shop/deployments`; without a namespace the collection of all namespaces. */
export function collectionPath(kind: Kind, namespace?: string): string {
  const { apiVersion, plural, namespaced } = resources[kind]
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope = namespaced && namespace !== undefined ? `/namespaces/${segment(namespace)}` : ''
  return `${root}${scope}/${plural}`
}

export function objectPath({ kind, namespace, name }: ObjectRef, subresource?: Subresource): string {
  if (resources[kind].namespaced && namespace === undefined) {
    throw new ClusterError('Invalid', `${kind} ${name}: a namespace is needed`)
  }
  return `${collectionPath(kind, namespace)}/${segment(name)}${subresource ? `/${subresource}` : ''}`
}

/** `labelSelector` or `fieldSelector` for what must have exactly these values; sorted, so that equal scopes look equal. */
export function selector(values: Scope['labels']): string | undefined {
  const terms = Object.entries(values ?? {}).map(([key, value]) => `${key}=${value}`)
  return terms.length === 0 ? undefined : terms.sort().join(',')
}

/** The reference of an object of a known kind; Invalid for other kinds. */
export function refOf(object: { kind: string; metadata: { name: string; namespace?: string } }): ObjectRef {
  const { kind, metadata } = object
  if (!isKind(kind))
    throw new ClusterError('Invalid', `${kind} ${metadata.name}: the operator knows no such kind`)
  const ref: ObjectRef = { kind, name: metadata.name }
  if (metadata.namespace !== undefined) ref.namespace = metadata.namespace
  return ref
}

export const describeRef = ({ kind, namespace, name }: ObjectRef): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`

/** A name must never be able to change the path. */
function segment(name: string): string {
  if (name === '' || name === '.' || name === '..')
    throw new ClusterError('Invalid', `"${name}" is not a name`)
  return encodeURIComponent(name)
}

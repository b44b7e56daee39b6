/** What a request asks of the API server, and what a line of a watch tells. Pure. */
import { isRecord } from '#operator/cluster/answer.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'update' | 'delete'

/** A request to the API server, as far as a fault can depend on it. */
export interface Call {
  verb: Verb
  /** Plural, as in the path: `statefulsets`; the path itself where it names no resource. */
  resource: string
  namespace?: string
  name?: string
  /** `status`, `scale`. */
  subresource?: string
}

/** An event of a watch. */
export interface WatchedEvent {
  resource: string
  type: string
  namespace?: string
  name?: string
}

const verbOf: Readonly<Record<string, Verb>> = {
  POST: 'create',
  PATCH: 'patch',
  PUT: 'update',
  DELETE: 'delete',
}

export const isWrite = ({ verb }: Call): boolean => !['get', 'list', 'watch'].includes(verb)

const path =
  /^\/(?:api|apis\/[^/]+)\/[^/]+(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<resource>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<subresource>[^/]+))?$/

/** `url`: path and query as the client sent them. */
export function callOf(method: string, url: string): Call {
  const { pathname, searchParams } = new URL(url, 'http://api')
  const { resource = pathname, namespace, name, subresource } = path.exec(pathname)?.groups ?? {}
  const read = ['1', 'true'].includes(searchParams.get('watch') ?? '')
    ? 'watch'
    : name === undefined
      ? 'list'
      : 'get'
  return {
    verb: verbOf[method] ?? read,
    resource,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
  }
}

/** Undefined for a line that is no event. */
export function eventOf(resource: string, line: string): WatchedEvent | undefined {
  const { type, object } = recordOf(line)
  const metadata = isRecord(object) && isRecord(object.metadata) ? object.metadata : {}
  if (typeof type !== 'string') return undefined
  const { name, namespace } = metadata
  return {
    resource,
    type,
    ...(typeof name === 'string' && { name }),
    ...(typeof namespace === 'string' && { namespace }),
  }
}

function recordOf(line: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(line)
    return isRecord(parsed) ? parsed : {}
  } catch {
    return {}
  }
}

/** `patch deployments/scale shop/orders-gateway`: for people, and to compare runs by. */
export function textOf({ verb, resource, subresource, namespace = '', name = '' }: Call): string {
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`} ${namespace}/${name}`
}

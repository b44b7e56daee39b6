/** LIST in chunks and WATCH of one kind: what a reflector is fed with. */
import { errorOfAnswer, isRecord } from './answer.ts'
import { ClusterError } from './errors.ts'
import { jsonLines } from './json-lines.ts'
import { collectionPath, labelSelector } from './paths.ts'
import type { KubernetesObject, Scope } from './port.ts'
import { type Kind, resources } from './resources.ts'
import type { Transport } from './transport.ts'

export interface Listing<T> {
  items: T[]
  /** The moment of the whole list; a watch goes on from here. */
  resourceVersion: string
}

export type WatchEvent<T> =
  | { kind: 'changed'; object: T; resourceVersion: string }
  | { kind: 'removed'; object: T; resourceVersion: string }
  /** Nothing happened up to this resourceVersion. `complete`: all that exists was told before, as was asked. */
  | { kind: 'bookmark'; resourceVersion: string; complete: boolean }

export interface WatchRequest {
  resourceVersion: string
  /** First tells all that exists (as `changed`), then says that it is complete. A server may refuse it: Invalid. */
  everything?: boolean
  /** After so long the server ends the watch cleanly. */
  timeoutSeconds: number
  /** A watch on which nothing came for so long is dead. */
  idleMs: number
  signal: AbortSignal
}

export interface ListWatch<T extends KubernetesObject> {
  /** Rejects with Gone when the list grew too old between two chunks: start anew. */
  list(signal?: AbortSignal): Promise<Listing<T>>
  /** Resolves when the server accepted; the events reject with Gone when the resourceVersion is too old. */
  watch(request: WatchRequest): Promise<AsyncIterable<WatchEvent<T>>>
}

const chunkOfList = '500'
/** The annotation of the bookmark that follows the initial events. */
const allTold = 'k8s.io/initial-events-end'

/** An object is at most 3 MiB of JSON; more is not an event. */
const maxEventBytes = 16 * 2 ** 20

export function listWatch<T extends KubernetesObject>(
  transport: Pick<Transport, 'send' | 'stream'>,
  kind: Kind,
  scope: Scope = {},
): ListWatch<T> {
  if (kind === 'Secret') throw new ClusterError('Invalid', 'Secrets are never listed or watched')
  const path = collectionPath(kind, scope.namespace)
  const selector = labelSelector(scope.labels)
  return {
    async list(signal) {
      const items: T[] = []
      let from: string | undefined
      for (;;) {
        const query = { limit: chunkOfList, continue: from, labelSelector: selector }
        const page = pageOf(
          await transport.send({ method: 'GET', path, query, ...(signal ? { signal } : {}) }),
        )
        for (const item of page.items) items.push(observedObject<T>(item, kind))
        if (page.next === undefined) return { items, resourceVersion: page.resourceVersion }
        from = page.next
      }
    },
    async watch({ resourceVersion, everything = false, timeoutSeconds, idleMs, signal }) {
      const query = {
        watch: '1',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(timeoutSeconds),
        labelSelector: selector,
        ...(everything && { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }),
      }
      const bytes = await transport.stream({ method: 'GET', path, query, idleMs, signal })
      return events<T>(bytes, kind, path)
    },
  }
}

async function* events<T extends KubernetesObject>(
  bytes: AsyncIterable<Uint8Array>,
  kind: Kind,
  path: string,
) {
  for await (const line of jsonLines(bytes, maxEventBytes)) yield eventOf<T>(line, kind, path)
}

function eventOf<T extends KubernetesObject>(line: unknown, kind: Kind, path: string): WatchEvent<T> {
  const { type, object } = isRecord(line) ? line : {}
  if (type === 'ERROR') {
    const code = isRecord(object) && typeof object.code === 'number' ? object.code : 500
    throw errorOfAnswer({ status: code, body: object }, `WATCH ${path}`)
  }
  const { resourceVersion, annotations } = metadataOf(object) ?? {}
  if (typeof resourceVersion !== 'string') {
    throw new ClusterError(
      'Protocol',
      `WATCH ${path}: an event of type ${String(type)} has no resourceVersion`,
    )
  }
  if (type === 'BOOKMARK') {
    const complete = isRecord(annotations) && annotations[allTold] === 'true'
    return { kind: 'bookmark', resourceVersion, complete }
  }
  if (type === 'ADDED' || type === 'MODIFIED') {
    return { kind: 'changed', object: observedObject<T>(object, kind), resourceVersion }
  }
  if (type === 'DELETED') return { kind: 'removed', object: observedObject<T>(object, kind), resourceVersion }
  throw new ClusterError('Protocol', `WATCH ${path}: an event of unknown type ${String(type)}`)
}

function pageOf(body: unknown): { items: unknown[]; resourceVersion: string; next: string | undefined } {
  const metadata = metadataOf(body)
  if (!isRecord(body) || typeof metadata?.resourceVersion !== 'string') {
    throw new ClusterError('Protocol', 'the answer to LIST is not a list')
  }
  const { continue: next } = metadata
  return {
    items: Array.isArray(body.items) ? body.items : [],
    resourceVersion: metadata.resourceVersion,
    next: typeof next === 'string' && next !== '' ? next : undefined,
  }
}

/**
 * An object as it came, frozen and without managedFields (a third of it, and nobody here reads them). Items of a list
 * of a built-in kind carry neither apiVersion nor kind; they are put back.
 */
export function observedObject<T extends KubernetesObject>(value: unknown, kind: Kind): T {
  const metadata = metadataOf(value)
  if (!isRecord(value) || typeof metadata?.name !== 'string') {
    throw new ClusterError('Protocol', `an object of kind ${kind} came without a name`)
  }
  const { managedFields: _, ...rest } = metadata
  // The API server validated what it stores; beyond the parts checked above, T is the caller's knowledge of the kind.
  const object: unknown = { ...value, apiVersion: resources[kind].apiVersion, kind, metadata: rest }
  return deepFrozen(object) as T
}

function deepFrozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  for (const each of Object.values(value)) deepFrozen(each)
  return Object.freeze(value)
}

function metadataOf(value: unknown): Record<string, unknown> | undefined {
  return isRecord(value) && isRecord(value.metadata) ? value.metadata : undefined
}

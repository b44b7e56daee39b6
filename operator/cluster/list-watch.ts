/** LIST in chunks and WATCH of one kind: what a reflector is fed with. */
import { errorOfAnswer, isRecord } from './answer.ts'
import { ClusterError, isClusterError } from './errors.ts'
import { jsonLines } from './json-lines.ts'
import { deepFrozen } from './likeness.ts'
import { collectionPath, selector } from './paths.ts'
import type { Kept, KubernetesObject, Scope } from './port.ts'
import { type Kind, resources } from './resources.ts'
import { type ApiRequest, largestAnswerBytes, type Transport } from './transport.ts'

export interface Listing<T> {
  items: T[]
  /** The moment of the whole list; a watch goes on from here. */
  resourceVersion: string
}

export type WatchEvent<T> =
  /** `isNew`: there was none of its name before, or all there is was asked for. */
  | { kind: 'changed'; object: T; resourceVersion: string; isNew: boolean }
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

type Observed<T> = (value: unknown) => T

export interface ListWatch<T extends KubernetesObject> {
  /** Rejects with Gone when the list grew too old between two chunks: start anew. */
  list(signal?: AbortSignal): Promise<Listing<T>>
  /** The same by and by: each page must be dealt with before the next one is asked for. */
  pages(signal?: AbortSignal): AsyncIterable<Listing<T>>
  /** Resolves when the server accepted; the events reject with Gone when the resourceVersion is too old. */
  watch(request: WatchRequest): Promise<AsyncIterable<WatchEvent<T>>>
}

/** Objects of a page, some MiB of what is usual. Where they are more than an answer may have, fewer are asked for. */
const pageSize = 250
/** The whole object once more. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
/** The annotation of the bookmark that follows the initial events. */
const allTold = 'k8s.io/initial-events-end'

export function listWatch<T extends KubernetesObject>(
  transport: Pick<Transport, 'send' | 'stream'>,
  kind: Kind,
  scope: Scope = {},
  kept?: Kept,
): ListWatch<T> {
  if (kind === 'Secret') throw new ClusterError('Invalid', 'Secrets are never listed or watched')
  const path = collectionPath(kind, scope.namespace)
  const chosen = { labelSelector: selector(scope.labels), fieldSelector: selector(scope.fields) }
  const observed: Observed<T> = value => observedObject<T>(value, kind, kept)
  async function* pages(signal?: AbortSignal): AsyncGenerator<Listing<T>> {
    const request = { method: 'GET', path, ...(signal && { signal }) } as const
    let size = pageSize
    let from: string | undefined
    do {
      const answer = await sizedPage(transport, { ...request, query: { continue: from, ...chosen } }, size)
      const page = pageOf(answer.body)
      yield {
        items: page.items.map(observed),
        resourceVersion: page.resourceVersion,
      }
      size = answer.size
      from = page.next
    } while (from !== undefined)
  }
  return {
    pages,
    async list(signal) {
      const listing: Listing<T> = { items: [], resourceVersion: '' }
      for await (const page of pages(signal)) {
        for (const item of page.items) listing.items.push(item)
        listing.resourceVersion = page.resourceVersion
      }
      return listing
    },
    async watch({ resourceVersion, everything = false, timeoutSeconds, idleMs, signal }) {
      const query = {
        watch: '1',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(timeoutSeconds),
        ...chosen,
        ...(everything && { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }),
      }
      const bytes = await transport.stream({ method: 'GET', path, query, idleMs, signal })
      return events(bytes, observed, path)
    },
  }
}

/** As many objects as asked for, or half of them and half again where those are more than an answer may have. */
async function sizedPage(
  transport: Pick<Transport, 'send'>,
  request: ApiRequest,
  size: number,
): Promise<{ body: unknown; size: number }> {
  const query = { limit: String(size), ...request.query }
  try {
    return { body: await transport.send({ ...request, query }), size }
  } catch (error) {
    if (size === 1 || !isClusterError(error, 'TooLarge')) throw error
    return sizedPage(transport, request, Math.floor(size / 2))
  }
}

async function* events<T extends KubernetesObject>(
  bytes: AsyncIterable<Uint8Array>,
  observed: Observed<T>,
  path: string,
) {
  for await (const line of jsonLines(bytes, largestAnswerBytes)) yield eventOf(line, observed, path)
}

function eventOf<T extends KubernetesObject>(
  line: unknown,
  observed: Observed<T>,
  path: string,
): WatchEvent<T> {
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
    const isNew = type === 'ADDED'
    return { kind: 'changed', object: observed(object), resourceVersion, isNew }
  }
  if (type === 'DELETED') return { kind: 'removed', object: observed(object), resourceVersion }
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
 * An object as it came, frozen and without managedFields (a third of it, and nobody here reads them) and what kubectl
 * keeps of it for itself. Items of a list of a built-in kind carry neither apiVersion nor kind; they are put back.
 */
export function observedObject<T extends KubernetesObject>(value: unknown, kind: Kind, kept?: Kept): T {
  const metadata = metadataOf(value)
  if (!isRecord(value) || typeof metadata?.name !== 'string') {
    throw new ClusterError('Protocol', `an object of kind ${kind} came without a name`)
  }
  const { managedFields: _, ...rest } = metadata
  const { [lastApplied]: repeated, ...annotations } = isRecord(rest['annotations']) ? rest['annotations'] : {}
  if (repeated !== undefined) rest['annotations'] = annotations
  // The API server validated what it stores; beyond the parts checked above, T is the caller's knowledge of the kind.
  const { apiVersion } = resources[kind]
  const object = { ...value, apiVersion, kind, metadata: rest }
  return deepFrozen(kept === undefined ? object : kept(object)) as T
}

function metadataOf(value: unknown): Record<string, unknown> | undefined {
  return isRecord(value) && isRecord(value.metadata) ? value.metadata : undefined
}

/** The real cluster behind ClusterPort and WatchPort. */
import { isRecord } from './answer.ts'
import { ClusterError, isClusterError } from './errors.ts'
import { fewAtOnce } from './few-at-once.ts'
import { listWatch, observedObject } from './list-watch.ts'
import type { Log } from './log.ts'
import { collectionPath, describeRef, objectPath, refOf } from './paths.ts'
import {
  type ClusterPort,
  type Creation,
  type EventNote,
  fieldManager,
  type KubernetesObject,
  type ObjectRef,
  type Propagation,
  type Scope,
  statusFieldManager,
  type WatchedStore,
  type WatchOptions,
  type WatchPort,
} from './port.ts'
import { type ReflectorTiming, startReflector } from './reflector.ts'
import { type Kind, resources } from './resources.ts'
import type { Transport } from './transport.ts'

export interface KubernetesOptions {
  transport: Transport
  log: Log
  /** Who writes. Default `dataservice-operator`; tests play other managers. */
  manager?: string
  statusManager?: string
  /** Shown on events: the pod's name. */
  instance?: string
  timing?: Partial<ReflectorTiming>
}

const applyPatch = 'application/apply-patch+yaml' // JSON is YAML
const jsonPatch = 'application/json-patch+json'
/** Pages of lists that may be in memory beside each other: all kinds are listed when the operator begins. */
const pagesAtOnce = 2
const strict = { fieldValidation: 'Strict' } as const
/**
 * The first write to an empty etcd makes its revision 2, so no stored object has this version: an apply that carries it
 * is refused where the name is taken. Where it is free the API server takes no notice of it (as of 1.34);
 * one that does gets the object without it.
 */
const neverStored = '1'

export function kubernetesCluster(options: KubernetesOptions): ClusterPort & WatchPort {
  return new KubernetesCluster(options)
}

class KubernetesCluster implements ClusterPort, WatchPort {
  readonly #options: KubernetesOptions
  readonly #transport: Transport
  /** For copies, and whatever else is listed. */
  readonly #listing: Pick<Transport, 'send' | 'stream'>
  /** Of every write of the loop. */
  readonly #write: { fieldManager: string; fieldValidation: 'Strict' }

  constructor(options: KubernetesOptions) {
    this.#options = options
    this.#transport = options.transport
    const inTurn = fewAtOnce(pagesAtOnce)
    this.#listing = {
      send: request => inTurn(() => options.transport.send(request)),
      stream: request => options.transport.stream(request),
    }
    this.#write = { fieldManager: options.manager ?? fieldManager, ...strict }
  }

  async get<T extends KubernetesObject>(ref: ObjectRef): Promise<T | undefined> {
    const body = await orUndefined(this.#transport.send({ method: 'GET', path: objectPath(ref) }))
    return body === undefined ? undefined : observedObject<T>(body, ref.kind)
  }

  async list<T extends KubernetesObject>(kind: Kind, scope?: Scope): Promise<T[]> {
    return (await listWatch<T>(this.#listing, kind, scope).list()).items
  }

  apply<T extends KubernetesObject>(object: T): Promise<T> {
    return this.#applied(object, 'true')
  }

  async applyNew<T extends KubernetesObject>(object: T): Promise<Creation<T>> {
    const metadata = { ...object.metadata, resourceVersion: neverStored }
    try {
      return { kind: 'created', object: await this.#applied({ ...object, metadata }, 'false') }
    } catch (error) {
      if (!isClusterError(error, 'Conflict')) throw error
      const live = await this.get(refOf(object))
      return live === undefined
        ? { kind: 'created', object: await this.#applied(object, 'false') }
        : { kind: 'exists' }
    }
  }

  async #applied<T extends KubernetesObject>(object: T, force: 'true' | 'false'): Promise<T> {
    const ref = refOf(object)
    const query = { ...this.#write, force }
    const request = { path: objectPath(ref), query, body: object, contentType: applyPatch }
    try {
      return observedObject<T>(await this.#transport.send({ method: 'PATCH', ...request }), ref.kind)
    } catch (error) {
      throw isClusterError(error, 'Invalid') ? conflictOfUid(error) : error
    }
  }

  async create<T extends KubernetesObject>(object: T): Promise<Creation<T>> {
    const { kind, namespace } = refOf(object)
    const path = collectionPath(kind, namespace)
    try {
      const answer = await this.#transport.send({ method: 'POST', path, query: this.#write, body: object })
      return { kind: 'created', object: observedObject<T>(answer, kind) }
    } catch (error) {
      if (isClusterError(error, 'AlreadyExists')) return { kind: 'exists' }
      throw error
    }
  }

  async patchStatus<T extends KubernetesObject & { status?: unknown }>(object: T): Promise<T | undefined> {
    const ref = refOf(object)
    const { statusManager = statusFieldManager } = this.#options
    try {
      const answer = await this.#transport.send({
        method: 'PATCH',
        path: objectPath(ref, 'status'),
        query: { fieldManager: statusManager, ...strict },
        body: statusPatch(object),
        contentType: jsonPatch,
      })
      return observedObject<T>(answer, ref.kind)
    } catch (error) {
      if (isClusterError(error, 'NotFound')) return undefined
      if (!isClusterError(error, 'Invalid')) throw error
      const live = await this.get(ref)
      if (live?.metadata.uid === object.metadata.uid) throw error
      return undefined
    }
  }

  async scale(ref: ObjectRef, replicas: number, from: number): Promise<void> {
    const path = objectPath(ref, 'scale')
    const request = { path, query: this.#write, body: scalePatch(replicas, from), contentType: jsonPatch }
    try {
      await this.#transport.send({ method: 'PATCH', ...request })
    } catch (error) {
      if (!isClusterError(error, 'Invalid')) throw error
      const is = replicasOf(await this.get<KubernetesObject & { spec?: unknown }>(ref))
      if (is === from) throw error
      throw new ClusterError('Conflict', `${describeRef(ref)}: the number is ${is}, no more ${from}`)
    }
  }

  async remove(
    ref: ObjectRef,
    { uid, propagation }: { uid: string; propagation: Propagation },
  ): Promise<'removed' | 'absent'> {
    const preconditions = { uid }
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy: propagation }
    const answer = await orUndefined(this.#transport.send({ method: 'DELETE', path: objectPath(ref), body }))
    return answer === undefined ? 'absent' : 'removed'
  }

  async event(note: EventNote): Promise<void> {
    const { fieldManager: manager } = this.#write
    const body = eventBody(note, manager, this.#options.instance ?? manager)
    const path = collectionPath('Event', body.metadata.namespace)
    await this.#transport.send({ method: 'POST', path, query: this.#write, body })
  }

  watch<T extends KubernetesObject>(kind: Kind, scope?: Scope, options?: WatchOptions<T>): WatchedStore<T> {
    const { log, timing = {} } = this.#options
    const source = listWatch<T>(this.#listing, kind, scope, options?.kept)
    return startReflector({ kind, source, log, timing, ...options })
  }
}

/** The API server calls another uid under the name an invalid field; for us the object was replaced. */
function conflictOfUid(error: ClusterError): ClusterError {
  if (!error.fields.includes('metadata.uid')) return error
  return new ClusterError('Conflict', error.message, { status: 422, reason: error.reason, cause: error })
}

async function orUndefined(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    if (isClusterError(error, 'NotFound')) return undefined
    throw error
  }
}

/**
 * Server-side apply of a status takes no precondition: the API server puts the stored metadata over the one sent, uid
 * too. A JSON patch tests the uid and replaces the status in one step, and labels that change meanwhile do not matter.
 */
function statusPatch(object: KubernetesObject & { status?: unknown }): object[] {
  const { metadata, status = {} } = object
  if (metadata.uid === undefined) {
    throw new ClusterError('Invalid', `${describeRef(refOf(object))}: a status needs the uid it speaks of`)
  }
  return [
    { op: 'test', path: '/metadata/uid', value: metadata.uid },
    { op: 'add', path: '/status', value: status },
  ]
}

/** The API leaves a number out when it is 0. */
const scalePatch = (replicas: number, from: number): object[] => [
  { op: 'test', path: '/spec/replicas', value: from === 0 ? null : from },
  { op: 'add', path: '/spec/replicas', value: replicas },
]

function replicasOf({ spec }: { spec?: unknown } = {}): number {
  return isRecord(spec) && typeof spec.replicas === 'number' ? spec.replicas : 0
}

function eventBody(note: EventNote, manager: string, instance: string) {
  const { apiVersion, kind, metadata } = note.regarding
  const { namespace = 'default', name, uid, resourceVersion } = metadata
  return {
    apiVersion: resources.Event.apiVersion,
    kind: 'Event',
    metadata: { generateName: `${name}-`, namespace },
    eventTime: note.at.toISOString().replace('Z', '000Z'), // MicroTime wants six digits
    reportingController: manager,
    reportingInstance: instance,
    type: note.type,
    action: note.action,
    reason: note.reason,
    note: note.note.slice(0, 1024),
    regarding: { apiVersion, kind, namespace, name, uid, resourceVersion },
  }
}

/** The real cluster behind ClusterPort and WatchPort. */
import { isRecord } from './answer.ts'
import { ClusterError, isClusterError } from './errors.ts'
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
  type Scale,
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
const strict = { fieldValidation: 'Strict' } as const

export function kubernetesCluster(options: KubernetesOptions): ClusterPort & WatchPort {
  return new KubernetesCluster(options)
}

class KubernetesCluster implements ClusterPort, WatchPort {
  readonly #options: KubernetesOptions
  readonly #transport: Transport
  /** Of every write of the loop. */
  readonly #write: { fieldManager: string; fieldValidation: 'Strict' }

  constructor(options: KubernetesOptions) {
    this.#options = options
    this.#transport = options.transport
    this.#write = { fieldManager: options.manager ?? fieldManager, ...strict }
  }

  async get<T extends KubernetesObject>(ref: ObjectRef): Promise<T | undefined> {
    const body = await orUndefined(this.#transport.send({ method: 'GET', path: objectPath(ref) }))
    return body === undefined ? undefined : observedObject<T>(body, ref.kind)
  }

  async list<T extends KubernetesObject>(kind: Kind, scope?: Scope): Promise<T[]> {
    return (await listWatch<T>(this.#transport, kind, scope).list()).items
  }

  async apply<T extends KubernetesObject>(object: T, { force }: { force: boolean }): Promise<T> {
    const ref = refOf(object)
    const query = { ...this.#write, force: String(force) }
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
        contentType: 'application/json-patch+json',
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

  async readScale(ref: ObjectRef): Promise<Scale | undefined> {
    const body = await orUndefined(this.#transport.send({ method: 'GET', path: objectPath(ref, 'scale') }))
    return body === undefined ? undefined : scaleOf(body, ref)
  }

  async scale(ref: ObjectRef, replicas: number, options: { resourceVersion?: string } = {}): Promise<void> {
    const { resourceVersion } = options
    const metadata = resourceVersion === undefined ? {} : { metadata: { resourceVersion } }
    await this.#transport.send({
      method: 'PATCH',
      path: objectPath(ref, 'scale'),
      query: this.#write,
      body: { ...metadata, spec: { replicas } },
      contentType: 'application/merge-patch+json',
    })
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
    const source = listWatch<T>(this.#transport, kind, scope, options?.keptStatus)
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

function scaleOf(body: unknown, ref: ObjectRef): Scale {
  const { metadata, spec, status } = isRecord(body) ? body : {}
  const { uid, resourceVersion } = isRecord(metadata) ? metadata : {}
  if (typeof uid !== 'string' || typeof resourceVersion !== 'string') {
    throw new ClusterError('Protocol', `${describeRef(ref)}: the answer is not a scale`)
  }
  return { replicas: replicasOf(spec), current: replicasOf(status), uid, resourceVersion }
}

/** The API leaves the number out when it is 0. */
function replicasOf(part: unknown): number {
  return isRecord(part) && typeof part.replicas === 'number' ? part.replicas : 0
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

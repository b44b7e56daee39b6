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
  type Scale,
  type Scope,
  statusFieldManager,
  type WatchedStore,
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
  const { transport, log, timing = {} } = options
  const { manager = fieldManager, statusManager = statusFieldManager, instance = manager } = options

  async function get<T extends KubernetesObject>(ref: ObjectRef): Promise<T | undefined> {
    const body = await orUndefined(transport.send({ method: 'GET', path: objectPath(ref) }))
    return body === undefined ? undefined : observedObject<T>(body, ref.kind)
  }

  async function send<T extends KubernetesObject>(
    object: KubernetesObject,
    request: Parameters<Transport['send']>[0],
  ): Promise<T> {
    return observedObject<T>(await transport.send(request), refOf(object).kind)
  }

  return {
    get,

    async list<T extends KubernetesObject>(kind: Kind, scope?: Scope): Promise<T[]> {
      return (await listWatch<T>(transport, kind, scope).list()).items
    },

    apply(object, { force }) {
      const query = { fieldManager: manager, force: String(force), ...strict }
      const path = objectPath(refOf(object))
      return send(object, { method: 'PATCH', path, query, body: object, contentType: applyPatch })
    },

    async create<T extends KubernetesObject>(object: T): Promise<Creation<T>> {
      const { kind, namespace } = refOf(object)
      const query = { fieldManager: manager, ...strict }
      try {
        const path = collectionPath(kind, namespace)
        return {
          kind: 'created',
          object: await send<T>(object, { method: 'POST', path, query, body: object }),
        }
      } catch (error) {
        if (isClusterError(error, 'AlreadyExists')) return { kind: 'exists' }
        throw error
      }
    },

    async patchStatus<T extends KubernetesObject & { status?: unknown }>(object: T): Promise<T | undefined> {
      const ref = refOf(object)
      const body = statusBody(object)
      const query = { fieldManager: statusManager, force: 'true', ...strict }
      const path = objectPath(ref, 'status')
      try {
        return await send<T>(object, { method: 'PATCH', path, query, body, contentType: applyPatch })
      } catch (error) {
        if (isClusterError(error, 'NotFound')) return undefined
        if (!isClusterError(error, 'Conflict')) throw error
        const live = await get(ref)
        if (live?.metadata.uid === object.metadata.uid) throw error
        return undefined
      }
    },

    async readScale(ref) {
      const body = await orUndefined(transport.send({ method: 'GET', path: objectPath(ref, 'scale') }))
      return body === undefined ? undefined : scaleOf(body, ref)
    },

    async scale(ref, replicas, { resourceVersion } = {}) {
      const metadata = resourceVersion === undefined ? {} : { metadata: { resourceVersion } }
      await transport.send({
        method: 'PATCH',
        path: objectPath(ref, 'scale'),
        query: { fieldManager: manager, ...strict },
        body: { ...metadata, spec: { replicas } },
        contentType: 'application/merge-patch+json',
      })
    },

    async remove(ref, { uid, propagation }) {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid },
        propagationPolicy: propagation,
      }
      const answer = await orUndefined(transport.send({ method: 'DELETE', path: objectPath(ref), body }))
      return answer === undefined ? 'absent' : 'removed'
    },

    async event(note) {
      const body = eventBody(note, manager, instance)
      const path = collectionPath('Event', body.metadata.namespace)
      await transport.send({ method: 'POST', path, query: { fieldManager: manager, ...strict }, body })
    },

    watch<T extends KubernetesObject>(kind: Kind, scope?: Scope): WatchedStore<T> {
      return startReflector({ kind, source: listWatch<T>(transport, kind, scope), log, timing })
    },
  }
}

async function orUndefined(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    if (isClusterError(error, 'NotFound')) return undefined
    throw error
  }
}

/** What is sent to the status subresource: who it is, and the whole status. */
function statusBody(object: KubernetesObject & { status?: unknown }): object {
  const { apiVersion, kind, metadata, status } = object
  const { name, namespace, uid } = metadata
  if (uid === undefined) {
    throw new ClusterError('Invalid', `${describeRef(refOf(object))}: a status needs the uid it speaks of`)
  }
  return { apiVersion, kind, metadata: { name, namespace, uid }, status }
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
    metadata: { generateName: `${name}.`, namespace },
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

/** What the operator keeps of the objects that it watches, and which of them it looks at together. Pure. */
import type { Kept, KubernetesObject, WatchOptions } from '#operator/cluster/port.ts'
import type { Kind } from '#operator/cluster/resources.ts'
import { autoscalerKind, conditionsOf, scaleTarget } from './autoscalers.ts'
import { isPlainObject } from './hash.ts'
import { boundedChild, boundedOwner, only } from './kept-size.ts'
import { labelKeys } from './labels.ts'

type Status = Record<string, unknown>

/** Fields of the status that something here reads; what others write beside them would only be memory. */
const pods = ['observedGeneration', 'replicas', 'readyReplicas', 'updatedReplicas'] as const
const readOfStatus: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  ServiceAccount: [],
  ConfigMap: [],
  Service: [],
  PodDisruptionBudget: [],
  NetworkPolicy: [],
  StatefulSet: [...pods, 'updateRevision'],
  Deployment: [...pods, 'conditions'],
  Job: ['startTime', 'active', 'succeeded', 'failed', 'conditions'],
  Issuer: [],
  Certificate: ['conditions', 'revision', 'notAfter'],
  PeerAuthentication: [],
  DestinationRule: [],
  TriggerAuthentication: [],
  ScaledObject: ['conditions'],
  CronJob: ['lastSuccessfulTime'],
}

/** So many objects of a kind lie ready; the others are packed, which costs about 10 µs each time one is touched. */
const unpacked = 150

type Keeping = Required<Pick<WatchOptions, 'shelving' | 'kept'>>

/** How children of a kind, and what is watched beside them, are kept. */
export function keepingOf(kind: Kind): Keeping {
  return {
    shelving: {
      unpacked,
      groupOf: kind === autoscalerKind ? scaledOf : instanceOf,
      likeness: ({ metadata }) => metadata.labels?.[labelKeys.component] ?? '',
    },
    kept: keptOf(kind),
  }
}

/** How DataServices are kept: each stands alone. */
export const keepingOwners: Pick<WatchOptions, 'shelving' | 'kept'> = {
  shelving: { unpacked },
  kept: boundedOwner,
}

/** How operations are. Their kind is absent where the CRDs are older than the operator. */
export const keepingOperations: Pick<WatchOptions, 'mayBeUnserved' | 'kept'> = {
  mayBeUnserved: true,
  kept: boundedOwner,
}

const instanceOf = ({ metadata }: KubernetesObject): string => metadata.labels?.[labelKeys.instance] ?? ''

/** One of somebody else has no label of ours; what it moves tells whom it concerns. */
const scaledOf = (object: KubernetesObject & { spec?: unknown }): string => {
  const target = isPlainObject(object.spec) ? scaleTarget({ spec: object.spec }) : undefined
  return target?.service ?? instanceOf(object)
}

function keptOf(kind: Kind): Kept {
  const keptStatus = keptStatusOf(kind)
  return object => {
    const { status } = object
    return boundedChild(isPlainObject(status) ? { ...object, status: keptStatus(status) } : object)
  }
}

function keptStatusOf(kind: Kind): (status: Status) => Status {
  const fields = readOfStatus[kind]
  if (kind === autoscalerKind) return status => ({ conditions: conditionsOf(status) })
  return fields === undefined ? status => status : status => only(fields, status)
}

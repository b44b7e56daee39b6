/** What every builder takes, and the shapes of objects it may have to look back at. */
import type { OperationType, RestoreWish } from '#crds/v1alpha1/operation.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ForeignAutoscaler } from './autoscalers.ts'
import type { Effective } from './effective.ts'
import type { Child } from './labels.ts'
import type { DataPart, Part } from './names.ts'

/** The order in which the parts of a service that hibernates end; they wake the other way round. */
export const partsOfSleep = [
  'gateway',
  'writer',
  'reader',
  'redis',
  'postgres',
  'kafka',
] as const satisfies Part[]

/** Settings as text; the hash rolls pods. */
export interface RenderedText {
  text: string
  hash: string
}

export interface Target {
  owner: DataService
  effective: Effective
  /** The class that `effective` comes from; `built-in` for none. */
  className: string
  /**
   * The settings of the pods and their hash; those of gateways, which may hold an earlier record declaration; and what
   * is in force, for people who look.
   */
  settings: RenderedText & { gateway: RenderedText; inForce: string }
  /** A child as the cluster has it now, for what cannot change or must not be repeated. */
  observed: (kind: string, name: string) => ObservedChild | undefined
  /** Autoscalers of others that move our pods; ours would stop them, and they ours. */
  foreignAutoscalers: readonly ForeignAutoscaler[]
  /** Where the operator runs; undefined: outside of the cluster, or unknown. */
  operatorNamespace?: string
  /**
   * How often those of Kafka were made, which version of the operator's own is stored, and whom everybody trusts (PEM) once
   * that was seen.
   */
  certificates: { issue: number; version: string; trusted?: string }
  /** Which passwords there are. */
  passwords: Passwords
  /** Which parts hold data by now. */
  initialisation: Initialisation
  /** Parts that should have no pods in this run, although the spec gives them some: hibernated, or not woken yet. */
  asleep: ReadonlySet<Part>
  /** Some broker does not have all records yet: another one that goes could stop writing. */
  isLogThin: boolean
  /** The operation that is under way. */
  operation?: OperationAtWork
  /** Random values for Secrets that do not exist yet; an argument, so that builders stay pure. */
  fresh: FreshSecrets
}

/**
 * Passwords of Postgres and Redis come in turns, counted from 1. A turn has passwords and users of its own (`loginSetOf`), so
 * that the next one is let in before the last one is shut out.
 */
export interface Passwords {
  /** What is made from now on comes in as the users of this turn. */
  turn: number
  /** Turns whose users may log in: the newest, and the one before while anybody uses it. */
  open: readonly number[]
  /** The newest turn that has the database for itself: earlier passwords open nothing. */
  done: number
  /** The wish of the user that the newest turn obeys. */
  rotated?: string
}

/** What a DataServiceOperation asks of the children; there is one at a time. */
export interface OperationAtWork {
  uid: string
  type: Exclude<OperationType, 'Promote'>
  /** What to go back to. */
  restore: RestoreWish
  /** What its Job needs is there; from then on the Job stays until the operation is over. */
  isJobDue: boolean
}

/** What is kept on the identity Secret about the volumes. It outlives the DataService, as they do. */
export interface Initialisation {
  /** An empty volume of these parts is a loss and is never initialised silently. */
  initialised: ReadonlySet<DataPart>
  /** Parts for which the annotation `reinitialise` was used up; it counts once. */
  reinitialised: ReadonlySet<DataPart>
  /** Brokers that held data by now, from ordinal 0 on; fewer than wanted while the log grows. */
  heldBrokers: number
  /** How often a part began anew after it had held data. */
  beginnings: number
  /** Ordinal of the pod of Postgres that is the primary. */
  primary: number
}

/** A child as it came from the API server. */
export type ObservedChild = Child<{
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
  /** Of a ConfigMap. */
  data?: Record<string, unknown>
}> & {
  metadata: {
    uid?: string
    generation?: number
    creationTimestamp?: string
    deletionTimestamp?: string
  }
}

export interface FreshSecrets {
  /** 16 random bytes in the form Kafka takes: 22 characters of base64url; new at each call. */
  kafkaId: (name: string) => string
  /** 32 random bytes in hex, new at each call. */
  password: (name: string) => string
}

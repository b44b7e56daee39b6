/** The resource itself: its names in the API, its type, and the parser for what the API server answers. */
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { DataServiceSpec } from './spec.ts'
import { DataServiceStatus } from './status.ts'

export const group = 'dataservice.dev'
export const version = 'v1alpha1'
export const kind = 'DataService'
export const listKind = 'DataServiceList'
export const plural = 'dataservices'
export const singular = 'dataservice'
export const shortName = 'dsvc'
export const category = 'dataservices'
export const apiVersion = `${group}/${version}` as const

/** Annotations on a DataService that the operator understands. */
export const annotations = {
  /** Another value: another authority signs certificates, in phases. */
  rotateAuthority: `${group}/rotate-authority`,
  /** Another value: Postgres and Redis get new passwords, and the old ones open nothing any more. */
  rotatePasswords: `${group}/rotate-passwords`,
  /** `true`: the operator touches nothing but status. */
  paused: `${group}/paused`,
  /** `true`: the operator touches nothing but status, and says there what it would do. */
  plan: `${group}/plan`,
  /** Any new value rolls every pod of ours, as `kubectl rollout restart` does for one Deployment. */
  restartedAt: `${group}/restartedAt`,
  /** `kafka` or `postgres`: a volume of that part that was lost may be initialised anew, once. */
  reinitialise: `${group}/reinitialise`,
} as const

/** The part of ObjectMeta that we read, as it is in JSON. */
export interface ObjectMeta {
  name: string
  namespace: string
  uid: string
  resourceVersion: string
  generation: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
}

/** One DataService as the API server answers it. */
export interface DataService {
  apiVersion: typeof apiVersion
  kind: typeof kind
  metadata: ObjectMeta
  spec: DataServiceSpec
  status?: DataServiceStatus
}

/** The whole object as a schema; the API server itself checks apiVersion, kind and metadata. */
export const DataServiceSchema = Type.Object(
  {
    spec: DataServiceSpec,
    status: Type.Optional(DataServiceStatus),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')",
        message:
          'metadata.name must have at most 40 characters: lower-case letters, digits and -, a letter first and no - last; ' +
          'choose another name (the names of its StatefulSets and Jobs are made from it and are limited)',
      },
    ],
    description:
      'A complete event-driven data service: an HTTP API in front, a Kafka log in the middle, partitioned Postgres and a ' +
      'Redis cache behind it. POST /data puts records in, GET /data finds them.',
  },
)

/** An object of the API that does not have the shape of a DataService; the message names the first field. */
export class NotADataService extends Error {}

/** Reads an object of the API server. Throws NotADataService. */
export function parseDataService(value: unknown): DataService {
  if (isDataService(value)) return value
  const [first] = Value.Errors(DataServiceSchema, value)
  throw new NotADataService(`${first?.instancePath || '/'} ${first?.message ?? `is not a ${kind}`}`)
}

function isDataService(value: unknown): value is DataService {
  return Value.Check(Identity, value) && Value.Check(DataServiceSchema, value)
}

const Identity = Type.Object({
  apiVersion: Type.Literal(apiVersion),
  kind: Type.Literal(kind),
  metadata: Type.Object({
    name: Type.String(),
    namespace: Type.String(),
    uid: Type.String(),
    resourceVersion: Type.String(),
    generation: Type.Integer(),
  }),
})

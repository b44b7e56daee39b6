/**
 * The settings that the operator renders (ConfigMap `NAME-settings`, key `settings.json`) and every pod reads.
 * Nothing secret stands here; a hash of the text rolls the pods.
 */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { GatewayRules } from './gateway-rules.ts'

const Endpoint = Type.Object({
  host: Type.String({ minLength: 1 }),
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
})

const ByTime = Type.Object({
  by: Type.Literal('Time'),
  interval: Type.Union([Type.Literal('Hour'), Type.Literal('Day'), Type.Literal('Month')]),
  /** Partitions made ahead of now. */
  premake: Type.Integer({ minimum: 1 }),
  /** Milliseconds after which a partition is dropped; absent: kept for ever. */
  retainMs: Type.Optional(Type.Integer({ minimum: 1 })),
})

const scramMechanisms = Type.Union([Type.Literal('SCRAM-SHA-256'), Type.Literal('SCRAM-SHA-512')])

/** A topic as it should be on a Kafka that others run. */
const WantedTopic = Type.Object({
  name: Type.String({ minLength: 1 }),
  partitions: Type.Integer({ minimum: 1 }),
  replicationFactor: Type.Integer({ minimum: 1 }),
  config: Type.Record(Type.String(), Type.String()),
})
export type WantedTopic = Static<typeof WantedTopic>

/** How pods come into a Kafka that others run, and what the migration looks after there. */
const OthersLog = Type.Object({
  /** Absent: nobody logs in. The name and password are those of a Secret of the user. */
  mechanism: Type.Optional(scramMechanisms),
  /** Where that Secret has a password alone. */
  username: Type.Optional(Type.String({ minLength: 1 })),
  /** Absent: plain. `ownAuthority` and `identity`: the pod has certificates that it trusts, and one that it shows, in files. */
  tls: Type.Optional(Type.Object({ ownAuthority: Type.Boolean(), identity: Type.Boolean() })),
  /** `Given`: others make the topics, and they are only looked at. */
  topics: Type.Union([Type.Literal('Create'), Type.Literal('Given')]),
  wanted: Type.Array(WantedTopic),
})
export type OthersLog = Static<typeof OthersLog>

const UpgradeStep = Type.Object({
  op: Type.Union([
    Type.Literal('move'),
    Type.Literal('copy'),
    Type.Literal('remove'),
    Type.Literal('default'),
  ]),
  from: Type.Optional(Type.String()),
  path: Type.String(),
  value: Type.Optional(Type.Unknown()),
})

const Version = Type.Object({
  name: Type.String({ minLength: 1 }),
  schema: Type.Record(Type.String(), Type.Unknown()),
  /** From the version before. */
  upgrade: Type.Optional(Type.Array(UpgradeStep)),
  /** Seconds since 1970 from when on a later version is accepted; only gateways are told. */
  deprecatedSince: Type.Optional(Type.Integer({ minimum: 0 })),
})

export const Settings = Type.Object({
  namespace: Type.String({ minLength: 1 }),
  name: Type.String({ minLength: 1 }),
  record: Type.Object({
    /** JSON Schema 2020-12 of one record, of the newest version. */
    schema: Type.Record(Type.String(), Type.Unknown()),
    /** Named versions, oldest first; absent: the schema has no name. */
    versions: Type.Optional(Type.Array(Version, { minItems: 1 })),
    /** JSON Pointer of a natural id; absent: the gateway makes ids. */
    id: Type.Optional(Type.String()),
    /** JSON Pointer of the Kafka key; absent: the record id. */
    key: Type.Optional(Type.String()),
    indexes: Type.Array(
      Type.Object({
        fields: Type.Array(Type.String(), { minItems: 1 }),
        /** Absent: Lookup. */
        use: Type.Optional(Type.Union([Type.Literal('Lookup'), Type.Literal('Range')])),
      }),
    ),
  }),
  log: Type.Object({
    brokers: Type.Array(Type.String(), { minItems: 1 }),
    eventsTopic: Type.String(),
    deadLettersTopic: Type.String(),
    /** What records became; only where records change. */
    changesTopic: Type.Optional(Type.String()),
    group: Type.String(),
    partitions: Type.Integer({ minimum: 1 }),
    retentionMs: Type.Integer({ minimum: 1 }),
    /** Absent: Kafka is ours, and the operator looks after the topics. */
    others: Type.Optional(OthersLog),
  }),
  store: Type.Object({
    primary: Endpoint,
    /** Where reads go; the primary itself while there are no replicas. */
    replica: Endpoint,
    database: Type.String(),
    schema: Type.String(),
    users: Type.Object({ owner: Type.String(), writer: Type.String(), reader: Type.String() }),
    /** Others run it: the migration makes roles and schema with the name and password of a Secret. Absent: it is ours. */
    access: Type.Optional(Type.Literal('Given')),
    /** Of a Postgres of others; absent: plain. `ownAuthority`: the pod has the certificates that it trusts in a file. */
    tls: Type.Optional(Type.Object({ ownAuthority: Type.Boolean() })),
    /** Connections each pod may hold. */
    poolSize: Type.Object({ writer: Type.Integer({ minimum: 1 }), reader: Type.Integer({ minimum: 1 }) }),
  }),
  /** Of engines of others: what goes with the DataService. Only the removal is told. */
  leaves: Type.Optional(Type.Array(Type.Union([Type.Literal('kafka'), Type.Literal('postgres')]))),
  /** How often a log or a database took the place of one that is gone; absent: never. */
  beginnings: Type.Optional(Type.Integer({ minimum: 1 })),
  /** What a refused record does to later ones of its key; absent: nothing. */
  onError: Type.Optional(Type.Literal('HoldKey')),
  partitioning: Type.Union([
    ByTime,
    Type.Object({
      by: Type.Literal('Hash'),
      partitions: Type.Integer({ minimum: 1 }),
      /** How the table of changes is cut. It makes the mode: with it records change (Upsert), without they stay (Append). */
      history: Type.Optional(ByTime),
    }),
  ]),
  cache: Type.Object({
    host: Type.String({ minLength: 1 }),
    port: Type.Integer(),
    /** Further instances of equal rank: what one is told all are. Absent: there is one. */
    peers: Type.Optional(Type.Array(Endpoint, { minItems: 1 })),
    ttlSeconds: Type.Integer({ minimum: 1 }),
    /** Before the keys of a Redis that several Kubernetes clusters share. */
    scopePrefix: Type.Optional(Type.String({ minLength: 1 })),
    /** Whose name and password open it: those of a Secret of the user, or nobody's. Absent: the password is ours. */
    access: Type.Optional(Type.Union([Type.Literal('Given'), Type.Literal('None')])),
    /** Absent: plain. `ownAuthority`: the pod has the certificates that it trusts in a file. */
    tls: Type.Optional(Type.Object({ ownAuthority: Type.Boolean() })),
    /** Bytes of answers that each gateway and reader keeps in its own memory; absent: what fits the standard profile. */
    localBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  reader: Type.Object({ url: Type.String({ minLength: 1 }) }),
  /** Hops between our own parts are encrypted, and both sides show a certificate. Absent: they are plain. */
  tls: Type.Optional(Type.Literal('Internal')),
  /** Where probe records go; absent: nobody sends any. */
  probe: Type.Optional(
    Type.Object({ topic: Type.String({ minLength: 1 }), gatewayUrl: Type.String({ minLength: 1 }) }),
  ),
  /** Absent: the gateway is open to everybody. */
  gateway: Type.Optional(GatewayRules),
})
export type Settings = Static<typeof Settings>

/** Reads settings; throws an Error that names the first field that is wrong. */
export function parseSettings(text: string): Settings {
  const value: unknown = JSON.parse(text)
  if (Value.Check(Settings, value)) return value
  const [first] = Value.Errors(Settings, value)
  throw new Error(`settings: ${first?.instancePath || '/'} ${first?.message ?? 'is not valid'}`)
}

/** The record declaration in a text of settings that may be older than this program; undefined when there is none. */
export function recordOfSettings(text: string): Settings['record'] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return Value.Check(Recorded, value) ? value.record : undefined
  } catch {
    return undefined
  }
}

const Recorded = Type.Object({ record: Settings.properties.record })

/** Headers of a record in the log: CloudEvents 1.0, Kafka binding, binary mode. The topic is a public contract. */
export const envelope = {
  specVersion: 'ce_specversion',
  /** Event id; consumers remove duplicates by it. */
  eventId: 'ce_id',
  /** Record id. */
  subject: 'ce_subject',
  type: 'ce_type',
  source: 'ce_source',
  /** When the gateway accepted the record, RFC 3339 with milliseconds. */
  time: 'ce_time',
  contentType: 'content-type',
  /** Version of the record schema that the gateway checked. */
  schemaVersion: 'ce_schemaversion',
  /** SHA-256 in hex of the client's Idempotency-Key with all that it is scoped by; only on records that came with one. */
  requestKey: 'dataservice_requestkey',
} as const

/** Value of `ce_source`. */
export const eventSource = ({ namespace, name }: { namespace: string; name: string }): string =>
  `/dataservices/${namespace}/${name}`

/** Value of `ce_type` for a new record. */
const recordCreated = 'dev.dataservice.record.created'

/**
 * Values of `ce_type` where records change: what was asked for. Whether it came to pass is decided by the writer, from
 * the record as it is then.
 */
export const commandTypes = {
  create: recordCreated,
  replace: 'dev.dataservice.record.replaced',
  /** The value is a merge patch (RFC 7396). */
  merge: 'dev.dataservice.record.merged',
  /** The value is empty. */
  delete: 'dev.dataservice.record.deleted',
} as const
export type CommandKind = keyof typeof commandTypes

/** Conditions of a command; only on records that came with one. */
export const conditionHeaders = {
  /** Versions that the record must have one of, separated by commas, or `*` for any. */
  ifMatch: 'dataservice_ifmatch',
  /** `*`: there must be no such record. */
  ifNoneMatch: 'dataservice_ifnonematch',
} as const

/** Headers that a record of the topic of changes has beside those of the envelope; its value is the record as it is then. */
export const appliedHeaders = {
  /** Of the record, from 1 on. */
  version: 'dataservice_version',
  /** `too-large`: the value stands in the table `events` only. */
  value: 'dataservice_value',
} as const

/** Headers that a dead letter has beside its own: where it stands in the log of events, and why it is not stored. */
export const deadLetterHeaders = {
  topic: 'dataservice_topic',
  partition: 'dataservice_partition',
  offset: 'dataservice_offset',
  reason: 'dataservice_reason',
  /** SQLSTATE, when the database refused it. */
  sqlState: 'dataservice_sqlstate',
  /** `absent` (the record had none) or `too-large` (it stands in the table `dead_letters` only). */
  value: 'dataservice_value',
} as const

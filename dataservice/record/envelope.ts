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

/** Value of `ce_type` for a new record. */
export const recordCreated = 'dev.dataservice.record.created'

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

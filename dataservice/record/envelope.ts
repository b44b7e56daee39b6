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
} as const

/** Value of `ce_type` for a new record. */
export const recordCreated = 'dev.dataservice.record.created'

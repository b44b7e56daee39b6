/**
 * Why a writer stops a partition until somebody acts, and how its pod says so at `/readyz`: the writer spells the
 * sentence, the operator reads it.
 */

const restart = 'restart the writer (kubectl rollout restart of its Deployment)'
/** The end of the log would be no remedy: records may stand before it that were accepted since. */
const readAnew =
  'delete the row of this partition in the table ingest_offsets (what is stored already is recognised and not stored ' +
  `twice) and ${restart}; the log is then read from its start`

/** The reasons, each with its remedy. */
export const stopReasons = {
  LogGap:
    'records that were accepted left the log before they were stored; to go on without them set next_offset of this ' +
    'partition in the table ingest_offsets to the start of the log, then ' +
    restart,
  LogHole:
    'offsets inside the log hold no record that could be stored: another producer wrote them in a transaction, or the ' +
    'topic is compacted (cleanup.policy must be delete) and what was accepted is lost there; to go on behind them set ' +
    'next_offset of this partition in the table ingest_offsets to the offset at which the log goes on and last_id to ' +
    `null, then ${restart}`,
  LogUnreadable:
    'the log holds bytes there that are no records: a disk of a broker changed them, or another producer wrote a batch ' +
    `that would take too much memory; if another replica of the partition has them whole, make it the leader and ${restart}; ` +
    'to go on behind them set next_offset of this partition in the table ingest_offsets to the offset behind the batch ' +
    `and last_id to null, then ${restart}`,
  LogTruncated:
    'the log lost records that are stored already; look for an unclean leader election, a lost volume of Kafka or a ' +
    `topic that was made anew, then ${readAnew}`,
  LogReplaced:
    'this is another log than the one that was read before; restore the topic or the database that fits, or ' +
    readAnew,
  SchemaVersionUnknown:
    'the partition goes on by itself when its writer knows the version, at the latest with the end of the rollout of the ' +
    'writers; if no rollout is under way, another producer wrote the record: add the version to the table ' +
    `schema_versions, with a place below that of the version in force, and ${restart}`,
  RecordRefused: `records can neither be stored nor put aside as dead letters; correct what the message of the database names, then ${restart}`,
  TooManyHeldKeys: `set blocks to false in the table dead_letters for records that need no correction, or writer.onError to DeadLetter, then ${restart}`,
} as const
export type StopReason = keyof typeof stopReasons

/** A partition that stops: the reason, and what exactly was seen. */
export interface Stop {
  reason: StopReason
  detail: string
}

export interface PartitionStop extends Stop {
  partition: number
}

/** The sentence at `/readyz`. */
export const stopText = ({ partition, reason, detail }: PartitionStop): string =>
  `partition ${partition} stopped with ${reason}: ${detail}; ${stopReasons[reason]}`

/** Reads the sentence; undefined for any other text. */
export function parseStop(text: string): PartitionStop | undefined {
  const [, partition, reason, rest] =
    /^partition (\d{1,9}) stopped with ([A-Za-z]+): (.*)$/s.exec(text.trim()) ?? []
  if (partition === undefined || rest === undefined || !isStopReason(reason)) return undefined
  const remedyAt = rest.lastIndexOf(`; ${stopReasons[reason]}`)
  const detail = remedyAt < 0 ? rest : rest.slice(0, remedyAt)
  return { partition: Number(partition), reason, detail: detail.slice(0, longestDetail) }
}

/** What a condition repeats of a pod's words. */
const longestDetail = 1000

const isStopReason = (text: string | undefined): text is StopReason =>
  text !== undefined && Object.hasOwn(stopReasons, text)

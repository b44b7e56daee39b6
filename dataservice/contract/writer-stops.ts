/**
 * Why a writer stops a partition until somebody acts, and how its pod says so at `/readyz`: the writer spells the
 * sentence, the operator reads it.
 */

/** The reasons, each with its remedy. */
export const stopReasons = {
  LogGap:
    'records that were accepted left the log before they were stored; to go on without them set next_offset of this ' +
    'partition in the table ingest_offsets to the start of the log, then restart the writer',
  LogTruncated:
    'the log lost records that are stored already; look for an unclean leader election or a lost volume of Kafka, then ' +
    'set next_offset of this partition in the table ingest_offsets to the end of the log and restart the writer',
  LogReplaced:
    'this is another log than the one that was read before; restore the topic or the database that fits, or delete the ' +
    'row of this partition in the table ingest_offsets to read the new log from its start, then restart the writer',
  RecordRefused:
    'a record cannot be stored; correct what the message of the database names, then restart the writer',
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

/** Kafka clients behind the writing side of our port, so that one harness drives them all. */
import type { AppendOutcome, LogAppender, NewRecord } from '#dataservice/platform/kafka/port.ts'

export type Appender = Pick<LogAppender, 'append' | 'close'>

export interface ClientOptions {
  brokers: string[]
  topic: string
  /** `batches`: idempotent and compressed, as ours. `singles`: neither, many at a time. */
  sends: 'batches' | 'singles'
  /** Where the client lies that is not a dependency of ours. */
  folder?: string
}

/** Connects with acks=all. */
export type Connect = (options: ClientOptions) => Promise<Appender>

/** What most clients take, one for each record. */
export interface PlainMessage {
  partition: number
  key: Buffer
  value: Buffer
  headers: Record<string, string | Buffer>
}

/** Batches as the messages of one call. */
export const messagesOf = (batches: ReadonlyMap<number, readonly NewRecord[]>): PlainMessage[] =>
  [...batches].flatMap(([partition, records]) =>
    records.map(({ key, value, headers, shared }) => ({
      partition,
      key,
      value: value ?? Buffer.alloc(0), // a record without one is nothing that is measured
      headers: { ...shared?.headers, ...headers },
    })),
  )

/** Of each partition the offset that the client tells; those without one are not known to be written. */
export function outcomesOf(
  batches: ReadonlyMap<number, readonly NewRecord[]>,
  offsets: ReadonlyMap<number, bigint>,
): ReadonlyMap<number, AppendOutcome> {
  const outcome = (baseOffset: bigint | undefined): AppendOutcome =>
    baseOffset === undefined || baseOffset < 0n
      ? { kind: 'unknown', reason: 'no offset was told' }
      : { kind: 'appended', baseOffset }
  return new Map([...batches.keys()].map(partition => [partition, outcome(offsets.get(partition))]))
}

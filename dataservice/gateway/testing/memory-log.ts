/** A log in memory: the twin of the real appender, for tests without Kafka. It can be held and made to fail. */
import { batchBytes, maxBatchBytes } from '#dataservice/platform/kafka/batch-encoder.ts'
import type { Acks, AppendOutcome, LogAppender, NewRecord } from '#dataservice/platform/kafka/port.ts'

export interface MemoryLog extends LogAppender {
  /** Records by partition, in offset order. */
  readonly contents: readonly (readonly NewRecord[])[]
  /** Sizes of the batches appended so far. */
  readonly batches: readonly number[]
  /** What each of them asked for. */
  readonly acks: readonly Acks[]
  /** From now on appends wait for the answer of this promise before they are decided. */
  hold(until: Promise<void>): void
  /** From now on this decides in place of the log; `undefined` means it appends. */
  decide(decision: (partition: number) => AppendOutcome | undefined): void
}

export interface MemoryLogOptions {
  partitions: number
  /** Default 3. */
  replicas?: number
  skewMs?: number
}

export function memoryLog({ partitions, replicas = 3, skewMs }: MemoryLogOptions): MemoryLog {
  const contents: NewRecord[][] = Array.from({ length: partitions }, () => [])
  const batches: number[] = []
  const asked: Acks[] = []
  let held: Promise<void> = Promise.resolve()
  let decision: (partition: number) => AppendOutcome | undefined = () => undefined

  function appendPart(partition: number, records: readonly NewRecord[], acks: Acks): AppendOutcome {
    const log = contents[partition]
    if (!log) return { kind: 'refused', reason: `no partition ${partition}` }
    if (records.length === 0) return { kind: 'refused', reason: 'no records' }
    if (batchBytes(records) > maxBatchBytes) return { kind: 'refused', reason: 'too large' }
    const decided = decision(partition)
    if (decided) return decided
    const baseOffset = BigInt(log.length)
    log.push(...records)
    batches.push(records.length)
    asked.push(acks)
    return { kind: 'appended', baseOffset: acks === 0 ? -1n : baseOffset }
  }

  return {
    partitions,
    logId: 'memory',
    replicas,
    contents,
    batches,
    acks: asked,
    hold(until) {
      held = until
    },
    decide(next) {
      decision = next
    },
    clockSkewMs: () => skewMs,
    async append(parts, acks = 'all') {
      await held
      return new Map(
        [...parts].map(([partition, records]) => [partition, appendPart(partition, records, acks)]),
      )
    },
    close: async () => {},
  }
}

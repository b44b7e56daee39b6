/**
 * Copies dead letters from their table to their topic, at least once: a letter is marked after the topic has it. It works
 * when it is woken, and holds no connection to the topic in between.
 */
import type { Logger } from 'pino'
import type { LogAppender, NewRecord } from '#dataservice/platform/kafka/port.ts'
import { deadLetterHeaders } from '#dataservice/record/envelope.ts'
import { append, fits, inBatches } from './batches.ts'
import type { DeadLetter, DeadLetters } from './relay-store.ts'
import { Woken } from './woken.ts'

export interface RelayOptions {
  letters: DeadLetters
  /** Partitions of the log that this writer has now. */
  partitions(): readonly number[]
  open(signal: AbortSignal): Promise<LogAppender>
  waiting: { set(count: number): void }
  log: Pick<Logger, 'warn' | 'info'>
  clock: { random(): number }
}

export class DeadLetterRelay {
  readonly #options: RelayOptions
  readonly #work: Woken

  constructor(options: RelayOptions) {
    this.#options = options
    this.#work = new Woken({
      work: signal => this.#relayAll(signal),
      failed: (error, attempt) =>
        options.log.warn(
          { reason: String(error), attempt },
          'dead letters are not in their topic yet; trying again',
        ),
      clock: options.clock,
    })
  }

  /** There may be letters. */
  wake(): void {
    this.#work.wake()
  }

  /** Ends after the letters that are on their way. */
  async stop(): Promise<void> {
    await this.#work.stop()
  }

  async #relayAll(signal: AbortSignal): Promise<void> {
    const { letters, partitions, open, waiting, log } = this.#options
    let topic: LogAppender | undefined
    let relayed = 0
    try {
      while (!signal.aborted) {
        const some = await letters.waiting(partitions())
        waiting.set(some.length === 0 ? 0 : await letters.count(partitions()))
        if (some.length === 0) break
        topic ??= await open(signal)
        for (const batch of batchesOf(some)) {
          await append(topic, batch)
          await letters.markRelayed(batch.map(({ id }) => id))
          relayed += batch.length
        }
      }
    } finally {
      await topic?.close()
    }
    if (relayed > 0) log.info({ relayed }, 'dead letters are in their topic')
  }
}

/** In order, each of one partition and small enough for one append. */
export const batchesOf = (letters: readonly DeadLetter[]): DeadLetter[][] =>
  inBatches(letters.map(letter => ({ ...letter, record: fittingRecord(letter.record) })))

/** With the headers that were added a record may be too large for the topic: then it goes without its bulk. */
function fittingRecord(record: NewRecord): NewRecord {
  const none = Buffer.alloc(0)
  const ours = Object.values<string>(deadLetterHeaders)
  const added = Object.entries(record.headers).filter(([name]) => ours.includes(name))
  const tooLarge = { [deadLetterHeaders.value]: 'too-large' }
  const forms: NewRecord[] = [
    record,
    { ...record, value: none, headers: { ...record.headers, ...tooLarge } },
    { key: none, value: none, headers: { ...Object.fromEntries(added), ...tooLarge } },
  ]
  return forms.find(fits) ?? record
}

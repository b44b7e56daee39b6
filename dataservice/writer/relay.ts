/**
 * Copies dead letters from their table to their topic, at least once: a letter is marked after the topic has it. It works
 * when it is woken, and holds no connection to the topic in between.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { batchBytes, maxBatchBytes } from '#dataservice/platform/kafka/batch-encoder.ts'
import type { LogAppender, NewRecord } from '#dataservice/platform/kafka/port.ts'
import { deadLetterHeaders } from '#dataservice/record/envelope.ts'
import { backOff } from './decisions.ts'
import type { DeadLetter, DeadLetters } from './relay-store.ts'

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
  readonly #end = new AbortController()
  #running: Promise<void> | undefined
  #isWoken = false

  constructor(options: RelayOptions) {
    this.#options = options
  }

  /** There may be letters. */
  wake(): void {
    this.#isWoken = true
    if (this.#end.signal.aborted) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#isWoken) this.wake()
    })
  }

  /** Ends after the letters that are on their way. */
  async stop(): Promise<void> {
    this.#end.abort(new Error('the relay was stopped'))
    await this.#running
  }

  /** Until nothing waits. Never rejects. */
  async #run(): Promise<void> {
    const { log, clock } = this.#options
    const { signal } = this.#end
    let attempt = 0
    while (this.#isWoken && !signal.aborted) {
      this.#isWoken = false
      try {
        await this.#relayAll()
        attempt = 0
      } catch (error) {
        if (signal.aborted) return
        log.warn({ reason: String(error), attempt }, 'dead letters are not in their topic yet; trying again')
        this.#isWoken = true
        await delay(backOff(attempt++, clock.random()), undefined, { signal }).catch(() => undefined)
      }
    }
  }

  async #relayAll(): Promise<void> {
    const { letters, partitions, open, waiting, log } = this.#options
    const { signal } = this.#end
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

/** Rejects unless the topic certainly has them all. */
async function append(topic: LogAppender, batch: readonly DeadLetter[]): Promise<void> {
  const partition = (batch[0]?.partition ?? 0) % topic.partitions
  const outcomes = await topic.append(new Map([[partition, batch.map(({ record }) => record)]]))
  const outcome = outcomes.get(partition)
  if (outcome?.kind !== 'appended') throw new Error(outcome?.reason ?? 'the topic named no outcome')
}

/** In order, each of one partition and small enough for one append. */
export function batchesOf(letters: readonly DeadLetter[]): DeadLetter[][] {
  const batches: DeadLetter[][] = []
  let bytes = 0
  for (const letter of letters) {
    const fitting = { ...letter, record: fittingRecord(letter.record) }
    const size = batchBytes([fitting.record])
    const current = batches.at(-1)
    if (current?.[0]?.partition === letter.partition && bytes + size <= maxBatchBytes) {
      current.push(fitting)
      bytes += size
    } else {
      batches.push([fitting])
      bytes = size
    }
  }
  return batches
}

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
  return forms.find(form => batchBytes([form]) <= maxBatchBytes) ?? record
}

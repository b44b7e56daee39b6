/** How far the writers have come: one question to Postgres at a time serves all callers that wait for a write. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Reads } from '#dataservice/platform/postgres/reads.ts'
import type { Row } from '#dataservice/platform/postgres/session.ts'
import type { LogPosition } from '#dataservice/record/consistency-token.ts'

interface Waiter {
  position: LogPosition
  /** Milliseconds of `performance.now()`. */
  until: number
  resolve(hasCome: boolean): void
  reject(error: unknown): void
}

/** Between two questions. */
const everyMs = 20

export class StoredPositions {
  readonly #reads: Reads
  readonly #topic: string
  readonly #waiters = new Set<Waiter>()
  #isWatching = false

  constructor(reads: Reads, topic: string) {
    this.#reads = reads
    this.#topic = topic
  }

  /**
   * Resolves with true when everything up to the position is stored, or can never be because the log is another; with
   * false when `until` (milliseconds of `performance.now()`) has passed. Rejects with a `DatabaseFailure`.
   */
  wait(position: LogPosition, until: number): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    this.#waiters.add({ position, until, resolve, reject })
    if (!this.#isWatching) void this.#watch()
    return promise
  }

  async #watch(): Promise<void> {
    this.#isWatching = true
    while (this.#waiters.size > 0) {
      await pause(everyMs)
      try {
        this.#tell(await this.#look())
      } catch (error) {
        for (const { reject } of this.#waiters) reject(error)
        this.#waiters.clear()
      }
    }
    this.#isWatching = false
  }

  /** Next offset and log by partition. */
  async #look(): Promise<Map<number, Row>> {
    const text = 'SELECT partition, next_offset, cluster_id FROM ingest_offsets WHERE topic = $1'
    const { rows } = await this.#reads.query({ text, values: [this.#topic] })
    return new Map(rows.map(([partition, ...rest]) => [Number(partition), rest]))
  }

  #tell(stored: ReadonlyMap<number, Row>): void {
    const now = performance.now()
    for (const waiter of this.#waiters) {
      const isOver = hasCome(stored, waiter.position)
      if (!isOver && now < waiter.until) continue
      this.#waiters.delete(waiter)
      waiter.resolve(isOver)
    }
  }
}

/** Whether there is nothing to wait for. */
function hasCome(stored: ReadonlyMap<number, Row>, { log, offsets }: LogPosition): boolean {
  const partitions = [...offsets].map(([partition, offset]) => ({ offset, stored: stored.get(partition) }))
  const isForeign = partitions.some(({ stored: [, of] = [] }) => of !== undefined && of !== log)
  return isForeign || partitions.every(({ offset, stored: [next] = [] }) => next && BigInt(next) > offset)
}

/** Records on their way into the log: who waits for them, and in which order they go. */
import type { NewRecord, Offset } from '#dataservice/platform/kafka/port.ts'

/** A record and the partition it belongs to. */
export interface Draft {
  partition: number
  record: NewRecord
}

export type RecordOutcome =
  /** `last`: of the records that went into the log together with it. Both are -1 where nobody tells them (acks=0). */
  | { kind: 'appended'; partition: number; offset: Offset; last: Offset }
  /** Certainly not in the log, now or later. */
  | { kind: 'refused'; reason: string }
  | { kind: 'unknown'; reason: string }

/** One record of a caller. */
export interface Entry {
  record: NewRecord
  /** What it takes in a batch. */
  bytes: number
  /** When it came, by `performance.now()`. */
  since: number
  ticket: Ticket
  /** Which of its caller's records it is. */
  place: number
}

/** Who waits for the outcomes of some records: `done` hears them, in order, once every one is settled. */
export class Ticket {
  readonly #outcomes: RecordOutcome[]
  readonly #isSettled: boolean[]
  readonly #done: (outcomes: RecordOutcome[]) => void
  #missing: number

  constructor(count: number, done: (outcomes: RecordOutcome[]) => void) {
    this.#outcomes = new Array(count)
    this.#isSettled = new Array(count).fill(false)
    this.#done = done
    this.#missing = count
  }

  /** The first outcome of a record counts. */
  settle(place: number, outcome: RecordOutcome): void {
    if (this.#isSettled[place] !== false) return
    this.#isSettled[place] = true
    this.#outcomes[place] = outcome
    this.#missing -= 1
    if (this.#missing === 0) this.#done(this.#outcomes)
  }
}

/** Below this many places the array is not worth moving. */
const roomAtFront = 1_024

/** First in, first out. */
export class EntryQueue {
  #entries: Entry[] = []
  #first = 0

  get length(): number {
    return this.#entries.length - this.#first
  }

  push(entry: Entry): void {
    this.#entries.push(entry)
  }

  /** The next entries, at least one if there is any, within these bounds. */
  take(maxRecords: number, maxBytes: number): readonly Entry[] {
    let bytes = 0
    return this.#takeWhile((entry, count) => {
      bytes += entry.bytes
      return count === 0 || (count < maxRecords && bytes <= maxBytes)
    })
  }

  /** Those that came at that time or before it. */
  takeSince(time: number): readonly Entry[] {
    return this.#takeWhile(({ since }) => since <= time)
  }

  #takeWhile(isWanted: (entry: Entry, count: number) => boolean): readonly Entry[] {
    const start = this.#first
    let end = start
    for (; end < this.#entries.length; end++) {
      const entry = this.#entries[end]
      if (!entry || !isWanted(entry, end - start)) break
    }
    const taken = this.#entries.slice(start, end)
    this.#first = end
    this.#trim()
    return taken
  }

  #trim(): void {
    if (this.#first < this.#entries.length && this.#first < Math.max(roomAtFront, this.#entries.length / 2))
      return
    this.#entries = this.#entries.slice(this.#first)
    this.#first = 0
  }
}

/** Records on their way into the log: who waits for them, and in which order they go. */
import { batchBytes } from '#dataservice/platform/kafka/batch-encoder.ts'
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
export class Entry {
  readonly partition: number
  readonly record: NewRecord
  /** What it takes in a batch. */
  readonly bytes: number
  state: 'waiting' | 'taken' | 'withdrawn' = 'waiting'
  readonly #ticket: Ticket
  readonly #place: number

  constructor({ partition, record }: Draft, bytes: number, ticket: Ticket, place: number) {
    this.partition = partition
    this.record = record
    this.bytes = bytes
    this.#ticket = ticket
    this.#place = place
  }

  /** The first outcome counts. */
  settle(outcome: RecordOutcome): void {
    this.#ticket.settle(this.#place, outcome)
  }
}

/** All records of one caller; `done` hears their outcomes, in order, once every one is settled. */
export class Ticket {
  readonly entries: readonly Entry[]
  readonly bytes: number
  readonly #settled: (RecordOutcome | undefined)[]
  readonly #done: (outcomes: RecordOutcome[]) => void
  #missing: number

  constructor(drafts: readonly Draft[], done: (outcomes: RecordOutcome[]) => void) {
    let total = 0
    this.entries = drafts.map((draft, place) => {
      const bytes = batchBytes([draft.record])
      total += bytes
      return new Entry(draft, bytes, this, place)
    })
    this.bytes = total
    this.#settled = drafts.map(() => undefined)
    this.#done = done
    this.#missing = drafts.length
  }

  settle(place: number, outcome: RecordOutcome): void {
    if (this.#settled[place]) return
    this.#settled[place] = outcome
    this.#missing -= 1
    if (this.#missing === 0) this.#done(this.#settled.filter(each => each !== undefined))
  }
}

/** Below this many places the array is not worth moving. */
const roomAtFront = 1_024

/** First in, first out. All callers wait equally long, so that what is withdrawn stands at the front. */
export class EntryQueue {
  #entries: Entry[] = []
  #first = 0
  #withdrawn = 0

  get length(): number {
    return this.#entries.length - this.#first - this.#withdrawn
  }

  push(entry: Entry): void {
    this.#entries.push(entry)
  }

  /** The next entries, at least one if there is any, within these bounds. */
  take(maxRecords: number, maxBytes: number): Entry[] {
    const taken: Entry[] = []
    let bytes = 0
    for (; this.#first < this.#entries.length; this.#first++) {
      const entry = this.#entries[this.#first]
      if (!entry || entry.state === 'withdrawn') {
        this.#withdrawn -= 1
        continue
      }
      bytes += entry.bytes
      if (taken.length >= maxRecords || (taken.length > 0 && bytes > maxBytes)) break
      entry.state = 'taken'
      taken.push(entry)
    }
    this.#trim()
    return taken
  }

  /** Takes an entry out again unless it was taken; answers whether it did. */
  withdraw(entry: Entry): boolean {
    if (entry.state !== 'waiting') return false
    entry.state = 'withdrawn'
    this.#withdrawn += 1
    while (this.#entries[this.#first]?.state === 'withdrawn') {
      this.#first += 1
      this.#withdrawn -= 1
    }
    this.#trim()
    return true
  }

  #trim(): void {
    if (this.#first < this.#entries.length && this.#first < Math.max(roomAtFront, this.#entries.length / 2))
      return
    this.#entries = this.#entries.slice(this.#first)
    this.#first = 0
  }
}

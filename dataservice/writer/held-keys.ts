/** The keys of one partition whose records wait behind a refused one, until somebody lets them go. */
import type { Stop } from '#dataservice/contract/writer-stops.ts'
import type { HeldRecord, HeldStore } from './held-store.ts'
import { type Holding, keyOf } from './holding.ts'
import type { RowOutcome } from './outcomes.ts'
import type { Place } from './statements.ts'

/** Beyond it the partition stops: the set is kept in memory. */
export const maxHeldKeys = 10_000

export const tooManyHeldKeys: Stop = {
  reason: 'TooManyHeldKeys',
  detail: `records of more than ${maxHeldKeys} keys wait behind refused ones`,
}

/** How long records of other keys wait for those that are let go, in milliseconds. */
const turnMs = 500

/** What became of records that were let go: all are decided, some wait again, or nobody knows. */
export type Released = 'all' | 'some' | 'unknown'

export interface HeldKeysOptions {
  store: Omit<HeldStore, 'unblock'>
  place: Place
  /** A refused record holds its key from now on. */
  isOn: boolean
  /** Those that are held already. */
  keys: Set<string>
  now(): number
}

export class HeldKeys {
  readonly #options: HeldKeysOptions
  #isDue: boolean
  #isCertain = true

  constructor(options: HeldKeysOptions) {
    this.#options = options
    this.#isDue = options.keys.size > 0
  }

  /** For records that are let go: whatever is held before them is decided. */
  get free(): Holding {
    return { isOn: this.#options.isOn, keys: none }
  }

  get isOn(): boolean {
    return this.#options.isOn
  }

  get count(): number {
    return this.#options.keys.size
  }

  get isTooMany(): boolean {
    return this.count > maxHeldKeys
  }

  /** It is time to `release`. */
  get isDue(): boolean {
    return this.#isDue
  }

  /** It is time to look; answers whether there is anything to look for. */
  poke(): boolean {
    this.#isDue ||= this.count > 0
    return this.#isDue
  }

  /** A batch was stored of which nobody knows what it held. */
  doubt(): void {
    this.#isCertain = false
  }

  /** For the next batch. Asks anew after a doubt, and then rejects with a `DatabaseFailure`. */
  async holding(): Promise<Holding> {
    const { store, place, keys } = this.#options
    if (!this.#isCertain) for (const key of await store.heldKeys(place)) keys.add(key)
    this.#isCertain = true
    return this.#options
  }

  /** Learns from a batch whose keys are held. */
  learn(outcomes: readonly RowOutcome[]): void {
    if (!this.#options.isOn) return
    for (const { row, outcome } of outcomes) {
      const key = outcome === 'refused' ? keyOf(row.record) : undefined
      if (key !== undefined) this.#options.keys.add(key)
    }
    this.#isDue ||= this.isTooMany
  }

  /**
   * Stores records that no dead letter blocks any more, for one turn; then `isDue` tells whether there is more. Rejects
   * with a `DatabaseFailure`, or as `put` does.
   */
  async release(put: (records: readonly HeldRecord[]) => Promise<Released>): Promise<void> {
    const { store, place, keys, now } = this.#options
    this.#isDue = false
    const end = now() + turnMs
    const blocked = await store.blockedKeys(place)
    for (const key of [...keys].filter(each => !blocked.has(each))) {
      let released: Released = 'all'
      while (released === 'all') {
        this.#isDue = now() > end
        if (this.#isDue) return
        const records = await store.heldRecords(place, key)
        if (records.length === 0) keys.delete(key)
        released = records.length === 0 ? 'some' : await put(records)
      }
      this.#isDue = released === 'unknown'
      if (this.#isDue) return
    }
  }
}

const none: ReadonlySet<string> = new Set()

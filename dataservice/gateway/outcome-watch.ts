/**
 * Waits for what the writers decide. Each partition of the log has one watcher, which asks the reader for all who wait
 * there at once; while nobody waits nothing is asked.
 */

/** A record's place in the log, and the event that stands there. */
export interface Place {
  partition: number
  offset: bigint
  eventId: string
}

export interface Decided {
  status:
    | 'stored'
    | 'duplicate'
    | 'conflict'
    | 'refused'
    | 'held'
    | 'expired'
    | 'key-reused'
    | 'version-conflict'
    | 'absent'
  /** Id of the record that stands in its place. */
  winner?: string
  reason?: string
}

/** What is decided below `next`; what is not listed is stored. */
export interface Passed {
  next: bigint
  outcomes: readonly (Decided & { offset: bigint; eventId: string | undefined })[]
}

export interface OutcomeWatchOptions {
  /** Outcomes of a range of offsets, both ends included; undefined when nobody can tell now. Never rejects. */
  ask(partition: number, from: bigint, to: bigint): Promise<Passed | undefined>
  /** Records that may be waited for at once. */
  maxWaiting?: number
  firstPauseMs?: number
  maxPauseMs?: number
}

interface Waiter extends Place {
  settle(decided: Decided | undefined): void
}

/** A record in the log reaches the tables some milliseconds later; a writer that is behind is not asked as often. */
const defaults = { maxWaiting: 20_000, firstPauseMs: 8, maxPauseMs: 250 } as const
const growth = 1.5

export class OutcomeWatch {
  readonly #options: Required<OutcomeWatchOptions>
  readonly #waiters = new Map<number, Set<Waiter>>()
  #waiting = 0

  constructor(options: OutcomeWatchOptions) {
    this.#options = { ...defaults, ...options }
  }

  /** Records that are waited for. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * One outcome for each place, in order; undefined for what is not known when the signal is aborted, and for all of
   * them at once when too many wait already.
   */
  async wait(places: readonly Place[], signal: AbortSignal): Promise<(Decided | undefined)[]> {
    if (signal.aborted || this.#waiting + places.length > this.#options.maxWaiting)
      return places.map(() => undefined)
    const waiters = places.map(place => this.#enter(place))
    const giveUp = () => {
      for (const { waiter } of waiters) waiter.settle(undefined)
    }
    signal.addEventListener('abort', giveUp)
    try {
      return await Promise.all(waiters.map(({ decided }) => decided))
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  #enter(place: Place): { waiter: Waiter; decided: Promise<Decided | undefined> } {
    const { promise, resolve } = Promise.withResolvers<Decided | undefined>()
    const known = this.#waiters.get(place.partition)
    const waiters = known ?? new Set<Waiter>()
    const waiter: Waiter = {
      ...place,
      settle: decided => {
        if (!waiters.delete(waiter)) return
        this.#waiting -= 1
        resolve(decided)
      },
    }
    waiters.add(waiter)
    this.#waiting += 1
    if (!known) {
      this.#waiters.set(place.partition, waiters)
      void this.#watch(place.partition, waiters)
    }
    return { waiter, decided: promise }
  }

  /** Until nobody waits for the partition. */
  async #watch(partition: number, waiters: Set<Waiter>): Promise<void> {
    const { firstPauseMs, maxPauseMs } = this.#options
    let pauseMs = firstPauseMs
    while (waiters.size > 0) {
      await new Promise(resolve => setTimeout(resolve, pauseMs))
      if (waiters.size === 0) break
      const isProgress = await this.#look(partition, waiters)
      pauseMs = isProgress ? firstPauseMs : Math.min(maxPauseMs, pauseMs * growth)
    }
    this.#waiters.delete(partition)
  }

  /** Settles who can be settled; answers whether there was one. */
  async #look(partition: number, waiters: ReadonlySet<Waiter>): Promise<boolean> {
    const asked = [...waiters]
    const offsets = asked.map(({ offset }) => offset)
    const [first = 0n] = offsets
    const from = offsets.reduce((low, offset) => (offset < low ? offset : low), first)
    const to = offsets.reduce((high, offset) => (offset > high ? offset : high), first)
    const passed = await this.#options.ask(partition, from, to)
    if (!passed) return false
    const settled = asked.filter(({ offset }) => offset < passed.next)
    const unstored = new Map(passed.outcomes.map(outcome => [outcome.offset, outcome]))
    for (const { offset, eventId, settle } of settled) {
      const outcome = unstored.get(offset)
      settle(outcome?.eventId === eventId ? outcome : { status: 'stored' })
    }
    return settled.length > 0
  }
}

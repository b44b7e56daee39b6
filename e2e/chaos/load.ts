/** A load that is spread over a time and catches up after each fault, with the account of what was said to it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Evidence } from '#e2e/scenarios/oracle.ts'
import { attempt, type Outcome } from '#e2e/stack/post.ts'
import type { Chance } from './chance.ts'
import { recordText } from './record-text.ts'

export interface LoadOptions {
  url: string
  chance: Chance
  /** Records: what a fault held up is made good afterwards. */
  perSecond: number
  /** Ends by itself after so many; default: when it is stopped. */
  total?: number
  /** Requests at a time. Default 4. */
  lanes?: number
  /** Share of requests that carry an Idempotency-Key. Default a half. */
  keyed?: number
  /** Gives up when a request was not accepted for so long. Default two minutes. */
  patienceMs?: number
}

export interface Load {
  /** Records whose request was accepted. */
  accepted(): number
  /** Requests that were not accepted as a whole. */
  setbacks(): number
  /** Longest time without an acknowledgement, in milliseconds. */
  longestSilenceMs(): number
  /** What the oracle needs beside the rows. */
  evidence(): Omit<Evidence, 'stored'>
  /** Ids that were acknowledged lately. */
  recentIds(): readonly string[]
  /**
   * Posts so many further records once, at once, each longer by `padding` bytes; what is not acknowledged is not sent
   * again. Answers the status.
   */
  once(count: number, padding?: number): Promise<number>
  /** From now on so many records a second; 0 for a pause. */
  pace(perSecond: number): void
  /** Begins nothing new. */
  stop(): void
  /** Resolves when all that was begun is accepted; rejects when the service did not take it. */
  done: Promise<void>
}

const largestBatch = 200
const recentCount = 2_000
/** Numbers of records beside the steady ones. */
const firstFurther = 1_000_000_000

/** Begins at once. */
export function startLoad(options: LoadOptions): Load {
  const account = new Account()
  let from = { at: performance.now(), count: 0, perSecond: options.perSecond }
  const allowed = (): number => from.count + (from.perSecond * (performance.now() - from.at)) / 1000
  let { total = Number.POSITIVE_INFINITY } = options
  let next = 0
  let further = firstFurther
  const lane = async (chance: Chance): Promise<void> => {
    for (;;) {
      while (next < total && next >= allowed()) await delay(10)
      if (next >= total) return
      const first = next
      next = Math.min(total, first + chance.between(1, largestBatch))
      await account.post(texts(first, next - first), options, chance)
    }
  }
  const lanes = Array.from({ length: options.lanes ?? 4 }, (_, index) => lane(options.chance.of(`${index}`)))
  const done = Promise.all(lanes).then(() => {})
  done.catch(() => {}) // whoever waits for it is told
  return {
    accepted: () => account.acknowledged.size + account.keyed.size,
    setbacks: () => account.setbacks,
    longestSilenceMs: () => account.longestSilenceMs,
    once: (count, padding) => {
      further += count
      return account.postOnce(texts(further - count, count, padding), options.url)
    },
    pace: perSecond => {
      from = { at: performance.now(), count: allowed(), perSecond }
    },
    recentIds: () => account.recent,
    evidence: () => account,
    stop: () => {
      total = next
    },
    done,
  }
}

const texts = (from: number, count: number, padding?: number): string[] =>
  Array.from({ length: count }, (_, index) => recordText(from + index, padding))

class Account implements Omit<Evidence, 'stored'> {
  readonly acknowledged = new Map<string, string>()
  readonly keyed = new Set<string>()
  readonly unknown: string[] = []
  readonly recent: string[] = []
  setbacks = 0
  longestSilenceMs = 0
  #requests = 0
  #lastWordAt = performance.now()

  /** Posts them until all are accepted: those with a key all again, the others as far as they are open. */
  async post(texts: readonly string[], options: LoadOptions, chance: Chance): Promise<void> {
    const { keyed = 0.5, patienceMs = 120_000 } = options
    const key = chance.next() < keyed ? `request-${this.#requests++}` : undefined
    const deadline = performance.now() + patienceMs
    for (let open = texts; ; await delay(chance.between(100, 600))) {
      const outcome = await attempt(open, options.url, key ? { 'idempotency-key': key } : {})
      if (outcome.status === 202) this.#hear()
      open = key ? this.#putDownKeyed(open, outcome) : this.#putDown(open, outcome)
      if (open.length === 0) return
      this.setbacks += 1
      if (performance.now() > deadline)
        throw new Error(`a request was not accepted for ${patienceMs / 1000} s: ${outcome.reason}`)
    }
  }

  async postOnce(texts: readonly string[], url: string): Promise<number> {
    const outcome = await attempt(texts, url)
    this.#putDown(texts, outcome)
    return outcome.status
  }

  /** Answers what has to be sent again. */
  #putDownKeyed(texts: readonly string[], { status }: Outcome): readonly string[] {
    if (status !== 202) return texts
    for (const text of texts) this.keyed.add(text)
    return []
  }

  #putDown(texts: readonly string[], { accepted, unknown }: Outcome): readonly string[] {
    for (const [index, id] of accepted) this.acknowledged.set(id, texts[index] ?? '')
    this.recent.push(...accepted.values())
    this.recent.splice(0, this.recent.length - recentCount)
    this.unknown.push(...texts.filter((_, index) => unknown(index)))
    return texts.filter((_, index) => !accepted.has(index))
  }

  #hear(): void {
    const now = performance.now()
    this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.#lastWordAt)
    this.#lastWordAt = now
  }
}

/** A load that is spread over a time and catches up after each fault, with the account of what was said to it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Evidence } from '#e2e/scenarios/oracle.ts'
import { attempt, type Outcome } from '#e2e/stack/post.ts'
import type { Chance } from './chance.ts'
import { recordText } from './record-text.ts'

export interface LoadOptions {
  url: string
  chance: Chance
  /** Records, and the milliseconds over which they are spread. */
  total: number
  overMs: number
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
  /** Resolves when all is accepted; rejects when the service did not take it. */
  done: Promise<void>
}

const largestBatch = 200

/** Begins at once. */
export function startLoad(options: LoadOptions): Load {
  const account = new Account()
  const began = performance.now()
  let next = 0
  const due = (): boolean => next < (options.total * (performance.now() - began)) / options.overMs
  const lane = async (chance: Chance): Promise<void> => {
    for (;;) {
      while (next < options.total && !due()) await delay(10)
      if (next >= options.total) return
      const from = next
      next = Math.min(options.total, from + chance.between(1, largestBatch))
      const texts = Array.from({ length: next - from }, (_, index) => recordText(from + index))
      await account.post(texts, options, chance)
    }
  }
  const lanes = Array.from({ length: options.lanes ?? 4 }, (_, index) => lane(options.chance.of(`${index}`)))
  const done = Promise.all(lanes).then(() => {})
  done.catch(() => {}) // whoever waits for it is told
  return {
    accepted: () => account.acknowledged.size + account.keyed.size,
    setbacks: () => account.setbacks,
    longestSilenceMs: () => account.longestSilenceMs,
    evidence: () => account,
    done,
  }
}

class Account implements Omit<Evidence, 'stored'> {
  readonly acknowledged = new Map<string, string>()
  readonly keyed = new Set<string>()
  readonly unknown: string[] = []
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

  /** Answers what has to be sent again. */
  #putDownKeyed(texts: readonly string[], { status }: Outcome): readonly string[] {
    if (status !== 202) return texts
    for (const text of texts) this.keyed.add(text)
    return []
  }

  #putDown(texts: readonly string[], { accepted, unknown }: Outcome): readonly string[] {
    for (const [index, id] of accepted) this.acknowledged.set(id, texts[index] ?? '')
    this.unknown.push(...texts.filter((_, index) => unknown(index)))
    return texts.filter((_, index) => !accepted.has(index))
  }

  #hear(): void {
    const now = performance.now()
    this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.#lastWordAt)
    this.#lastWordAt = now
  }
}

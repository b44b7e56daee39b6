/**
 * Which namespaces may begin a run. A run waits for what its DataService is made of, and a Kafka that does not answer
 * holds its worker until the time limit. So a part of the workers is kept for namespaces whose runs end soon: whoever is
 * slow keeps only others waiting that are slow.
 */
import { namespaceOf, type Room } from './turns.ts'

/** A run that takes longer is slow. To ask a broker that does not answer at all takes as long. */
const slowMs = 3_000

/** So many of the workers may be with slow namespaces: a quarter is kept for the others, where there is more than one. */
export const mostSlow = (workers: number): number => Math.max(1, workers - Math.ceil(workers / 4))

export class Shares {
  readonly #mostSlow: number
  /** Keys that run, and since when. */
  readonly #running = new Map<string, number>()
  /** Of each namespace that has any: the keys whose last run was slow. */
  readonly #slow = new Map<string, Set<string>>()

  constructor(workers: number) {
    this.#mostSlow = mostSlow(workers)
  }

  begin(key: string, now: number): void {
    this.#running.set(key, now)
  }

  end(key: string, now: number): void {
    const since = this.#running.get(key) ?? now
    this.#running.delete(key)
    if (isSlow(since, now)) {
      const namespace = namespaceOf(key)
      this.#slow.set(namespace, (this.#slow.get(namespace) ?? new Set()).add(key))
    } else this.forget(key)
  }

  /** How the last run of a key was does not count any more. */
  forget(key: string): void {
    const namespace = namespaceOf(key)
    const keys = this.#slow.get(namespace)
    if (keys?.delete(key) === true && keys.size === 0) this.#slow.delete(namespace)
  }

  /** What there is for each namespace at this moment. */
  room(now: number): Room {
    const running = new Map<string, number>()
    const late = new Set<string>()
    for (const [key, since] of this.#running) {
      const namespace = namespaceOf(key)
      running.set(namespace, (running.get(namespace) ?? 0) + 1)
      if (isSlow(since, now)) late.add(namespace)
    }
    const slow = (namespace: string): boolean => late.has(namespace) || this.#slow.has(namespace)
    let slowOnes = 0
    for (const [namespace, count] of running) if (slow(namespace)) slowOnes += count
    return {
      running: namespace => running.get(namespace) ?? 0,
      mayBegin: namespace => slowOnes < this.#mostSlow || !slow(namespace),
    }
  }
}

const isSlow = (since: number, now: number): boolean => now - since >= slowMs

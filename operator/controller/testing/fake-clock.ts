/** A clock that stands still until a test moves it. */
import type { Clock } from '../clock.ts'

interface Timer {
  dueAt: number
  callBack: () => void
}

export class FakeClock implements Clock {
  #now = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  /** Timers that have neither run nor been cancelled. */
  get pending(): number {
    return this.#timers.size
  }

  after(delayMs: number, callBack: () => void): () => void {
    const timer = { dueAt: this.#now + delayMs, callBack }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Time passes while the process is stopped: nothing runs until the next `advance`. */
  jump(ms: number): void {
    this.#now += ms
  }

  /** Runs what falls due, in order, each at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.dueAt)
      next.callBack()
    }
    this.#now = Math.max(this.#now, end)
  }

  #next(end: number): Timer | undefined {
    const due = [...this.#timers].filter(({ dueAt }) => dueAt <= end)
    return due.sort((a, b) => a.dueAt - b.dueAt)[0]
  }
}

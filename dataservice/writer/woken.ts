/** Work that is done when it is woken: one run at a time, and again after a while when it failed. */
import { setTimeout as delay } from 'node:timers/promises'
import { backOff } from './decisions.ts'

export interface WokenOptions {
  /** All there is to do. Its failures are told and tried again. */
  work(signal: AbortSignal): Promise<void>
  /** Hears of a run that failed. */
  failed(error: unknown, attempt: number): void
  clock: { random(): number }
}

export class Woken {
  readonly #options: WokenOptions
  readonly #end = new AbortController()
  #running: Promise<void> | undefined
  #isWoken = false

  constructor(options: WokenOptions) {
    this.#options = options
  }

  /** There may be something to do. */
  wake(): void {
    this.#isWoken = true
    if (this.#end.signal.aborted) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#isWoken) this.wake()
    })
  }

  /** Ends after what is on its way. */
  async stop(): Promise<void> {
    this.#end.abort(new Error('the work was stopped'))
    await this.#running
  }

  /** Until nothing is to be done. Never rejects. */
  async #run(): Promise<void> {
    const { work, failed, clock } = this.#options
    const { signal } = this.#end
    let attempt = 0
    while (this.#isWoken && !signal.aborted) {
      this.#isWoken = false
      try {
        await work(signal)
        attempt = 0
      } catch (error) {
        if (signal.aborted) return
        failed(error, attempt)
        this.#isWoken = true
        await delay(backOff(attempt++, clock.random()), undefined, { signal }).catch(() => undefined)
      }
    }
  }
}

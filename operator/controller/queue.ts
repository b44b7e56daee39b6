/**
 * A queue of keys. It merges repeats, never runs one key twice at once, serves namespaces in turns and keeps workers for
 * those that are quick, serves what somebody waits for before what is only looked at again, and alone decides on back-off.
 * An event is only a hint: the run reads the state afresh.
 */
import { type BackoffLimits, backoffMs } from '#operator/cluster/backoff.ts'
import type { Clock } from './clock.ts'
import { type Lane, Lanes } from './lanes.ts'
import { Shares } from './shares.ts'

/** What a run answers: done (and perhaps look again later), or failed (the queue backs off). */
export type Verdict =
  | { kind: 'done'; againInMs?: number }
  /**
   * `notBeforeMs`: what the server asked to wait; the back-off may be longer. `passing`: nothing is wrong with the key
   * itself, such as an API server that does not answer. It may be over at any moment, so the back-off stays short.
   */
  | { kind: 'failed'; notBeforeMs?: number; passing?: boolean }

/** Must not throw; a rejection counts as `failed`. */
export type Work = (key: string) => Promise<Verdict>

export interface QueueMetrics {
  /** Keys that wait for a worker. */
  depth(keys: number): void
  /** A key waited so long between its time and its start. */
  waited(seconds: number): void
  worked(seconds: number): void
  /** A run failed and the key backs off. */
  retried(): void
}

export interface QueueOptions {
  /** Runs at the same time. */
  workers: number
  clock: Clock
  /** A number in [0, 1), for the jitter of the back-off. */
  random: () => number
  backoff?: BackoffLimits
  metrics?: QueueMetrics
}

export interface Queue {
  /** Run it as soon as a worker is free; while it runs: once more afterwards. Drops a later time set before. */
  add(key: string): void
  /** The same without haste: keys that were added are served first, but for every fourth. */
  addCalmly(key: string): void
  /** Run it after a while, without haste. Of several times the earliest counts. */
  addAfter(key: string, delayMs: number): void
  /** Begins to work; keys added before are kept until then. */
  start(work: Work): void
  /** Starts nothing any more; resolves when what runs has ended. */
  stop(): Promise<void>
}

interface Entry {
  state: 'idle' | 'ready' | 'running'
  /** Added while it ran. */
  again: boolean
  /** In a row. */
  failures: number
  readySince: number
  timer: { dueAt: number; cancel: () => void } | undefined
}

const defaultBackoff: BackoffLimits = { baseMs: 500, maxMs: 300_000 }

/** The longest wait after a failure that passes; with many keys that fail, so long that 33 of them try in a second. */
const passingWait = { leastMs: 8_000, eachMs: 30 }

export function createQueue(options: QueueOptions): Queue {
  return new KeyedQueue(options)
}

class KeyedQueue implements Queue {
  readonly #options: QueueOptions
  readonly #entries = new Map<string, Entry>()
  readonly #ready = new Lanes()
  readonly #shares: Shares
  readonly #running = new Set<Promise<void>>()
  #work: Work | undefined
  #stopped = false
  /** Keys whose last run failed. */
  #failing = 0

  constructor(options: QueueOptions) {
    this.#options = options
    this.#shares = new Shares(options.workers)
  }

  add(key: string): void {
    this.#add(key, 'urgent')
  }

  addCalmly(key: string): void {
    this.#add(key, 'calm')
  }

  #add(key: string, lane: Lane): void {
    if (this.#stopped) return
    const entry = this.#entryOf(key)
    clearTimer(entry)
    if (entry.state === 'running') {
      entry.again = true
      return
    }
    this.#ready.put(key, lane)
    if (entry.state === 'ready') return
    entry.state = 'ready'
    entry.readySince = this.#options.clock.now()
    this.#options.metrics?.depth(this.#ready.size)
    this.#pump()
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return
    const { clock } = this.#options
    const entry = this.#entryOf(key)
    const dueAt = clock.now() + delayMs
    if (entry.state === 'ready' || (entry.timer && entry.timer.dueAt <= dueAt)) return
    clearTimer(entry)
    entry.timer = { dueAt, cancel: clock.after(delayMs, () => this.addCalmly(key)) }
  }

  start(work: Work): void {
    this.#work = work
    this.#pump()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const entry of this.#entries.values()) clearTimer(entry)
    this.#ready.clear()
    this.#options.metrics?.depth(0)
    await Promise.all(this.#running)
  }

  #entryOf(key: string): Entry {
    const known = this.#entries.get(key)
    if (known) return known
    const entry: Entry = { state: 'idle', again: false, failures: 0, readySince: 0, timer: undefined }
    this.#entries.set(key, entry)
    return entry
  }

  #pump(): void {
    while (this.#work !== undefined && !this.#stopped && this.#running.size < this.#options.workers) {
      const key = this.#ready.take(this.#shares.room(this.#options.clock.now()))
      if (key === undefined) return
      this.#options.metrics?.depth(this.#ready.size)
      const entry = this.#entryOf(key)
      entry.state = 'running'
      const run = this.#run(key, entry, this.#work).finally(() => {
        this.#running.delete(run)
        this.#pump()
      })
      this.#running.add(run)
    }
  }

  async #run(key: string, entry: Entry, work: Work): Promise<void> {
    const { clock, metrics } = this.#options
    const started = clock.now()
    this.#shares.begin(key, started)
    metrics?.waited((started - entry.readySince) / 1000)
    // Begins in a later turn: what the work adds must find this key counted as running.
    const verdict = await Promise.resolve(key)
      .then(work)
      .catch((): Verdict => ({ kind: 'failed' }))
    const ended = clock.now()
    this.#shares.end(key, ended)
    metrics?.worked((ended - started) / 1000)
    if (verdict.kind === 'failed') metrics?.retried()
    entry.state = 'idle'
    const failures = verdict.kind === 'failed' ? entry.failures + 1 : 0
    this.#failing += Math.sign(failures) - Math.sign(entry.failures)
    entry.failures = failures
    const delayMs = this.#delayAfter(verdict, entry)
    entry.again = false
    if (delayMs === 0) this.add(key)
    else if (delayMs !== undefined) this.addAfter(key, delayMs)
    else if (entry.timer === undefined) this.#forget(key)
  }

  #forget(key: string): void {
    this.#entries.delete(key)
    this.#shares.forget(key)
  }

  #limitsOf({ passing = false }: Extract<Verdict, { kind: 'failed' }>): BackoffLimits {
    const { backoff = defaultBackoff } = this.#options
    const passingMs = Math.max(passingWait.leastMs, passingWait.eachMs * this.#failing)
    return passing ? { ...backoff, maxMs: Math.min(backoff.maxMs, passingMs) } : backoff
  }

  /** Undefined: the key is done until somebody adds it. */
  #delayAfter(verdict: Verdict, { again, failures }: Entry): number | undefined {
    if (verdict.kind === 'done') return again ? 0 : verdict.againInMs
    // A change that came meanwhile may be the cure, so it need not wait long; but it may also be an echo of the run's
    // own writes, so it must not turn failing into a tight circle.
    const { random } = this.#options
    const backoff = this.#limitsOf(verdict)
    return Math.max(verdict.notBeforeMs ?? 0, backoffMs(again ? 1 : failures, backoff, random))
  }
}

function clearTimer(entry: Entry): void {
  entry.timer?.cancel()
  entry.timer = undefined
}

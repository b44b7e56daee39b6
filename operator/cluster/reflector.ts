/** Keeps a store equal to the API server: a list, then watches that go on where the last one ended. */
import { setTimeout as pause } from 'node:timers/promises'
import { type BackoffLimits, backoffMs } from './backoff.ts'
import { ClusterError, isClusterError } from './errors.ts'
import type { ListWatch } from './list-watch.ts'
import type { Log } from './log.ts'
import type { KubernetesObject, WatchedStore } from './port.ts'
import type { Kind } from './resources.ts'
import { Store, type StoreFeed } from './store.ts'

export interface ReflectorTiming extends BackoffLimits {
  /** The server ends each watch after a random time in this range. */
  watchSeconds: { least: number; most: number }
  /**
   * Nothing came for so long: the connection is dead. The first bookmark of a quiet watch comes after about 120 s, so
   * anything below would break healthy watches.
   */
  idleMs: number
  /** A watch that lived so long, or brought anything, counts as a success and resets the back-off. */
  successMs: number
  /** A number in [0, 1). */
  random: () => number
}

export const reflectorTiming: ReflectorTiming = {
  watchSeconds: { least: 300, most: 600 },
  idleMs: 200_000,
  baseMs: 500,
  maxMs: 30_000,
  successMs: 2_000,
  random: Math.random,
}

export interface ReflectorOptions<T extends KubernetesObject> {
  kind: Kind
  source: ListWatch<T>
  log: Log
  timing?: Partial<ReflectorTiming>
  /** A first list that the API server answers with 404 counts as an empty one. */
  mayBeUnserved?: boolean
}

/** Starts at once; never rejects and never gives up until stopped. */
export function startReflector<T extends KubernetesObject>(options: ReflectorOptions<T>): WatchedStore<T> {
  return new Reflector(options)
}

class Reflector<T extends KubernetesObject> extends Store<T> implements WatchedStore<T> {
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>

  constructor(options: ReflectorOptions<T>) {
    super(options.kind)
    const timing = { ...reflectorTiming, ...options.timing }
    this.#running = keepFresh({ ...options, timing, feed: this, signal: this.#stopping.signal })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }
}

interface Run<T extends KubernetesObject> extends ReflectorOptions<T> {
  timing: ReflectorTiming
  feed: StoreFeed<T>
  signal: AbortSignal
}

/** Where the copy stands. */
interface Position {
  /** A complete list came. */
  listed: boolean
  /** Undefined: only a new list can tell. */
  resourceVersion: string | undefined
  /** In a row. */
  failures: number
}

async function keepFresh<T extends KubernetesObject>(run: Run<T>): Promise<void> {
  const { kind, log, signal, timing, feed, mayBeUnserved = false } = run
  const position: Position = { listed: false, resourceVersion: undefined, failures: 0 }
  while (!signal.aborted) {
    try {
      await advance(run, position)
    } catch (error) {
      if (signal.aborted) break
      position.failures += 1
      // Never later: what is there would look deleted while the API server forgets a kind for a moment.
      if (mayBeUnserved && !position.listed && isClusterError(error, 'NotFound')) feed.replace([])
      if (isClusterError(error, 'Gone', 'Protocol') || !isClusterError(error))
        position.resourceVersion = undefined
      const waitMs = Math.max(backoffMs(position.failures, timing, timing.random), askedWait(error))
      log.warn(
        { err: error, kind, failures: position.failures, waitMs },
        'the watch broke; going on after a wait',
      )
      await pause(waitMs, undefined, { signal }).catch(() => {}) // only stopping ends it early
    }
  }
  feed.end()
}

const askedWait = (error: unknown): number => (isClusterError(error) ? (error.retryAfterMs ?? 0) : 0)

/** One list when needed and one watch to its end. Trouble rejects; the position then holds what was reached. */
async function advance<T extends KubernetesObject>(run: Run<T>, position: Position): Promise<void> {
  const { source, feed, signal, timing } = run
  if (position.resourceVersion === undefined) {
    const listing = await source.list(signal)
    feed.replace(listing.items)
    position.listed = true
    position.resourceVersion = listing.resourceVersion
  }
  const { least, most } = timing.watchSeconds
  const timeoutSeconds = Math.round(least + (most - least) * timing.random())
  const { resourceVersion } = position
  const events = await source.watch({ resourceVersion, timeoutSeconds, idleMs: timing.idleMs, signal })
  const opened = performance.now()
  const longEnough = (): boolean => performance.now() - opened >= timing.successMs
  try {
    for await (const event of events) {
      if (event.kind === 'changed') feed.set(event.object)
      if (event.kind === 'removed') feed.delete(event.object)
      position.resourceVersion = event.resourceVersion
      position.failures = 0
    }
  } finally {
    if (longEnough()) position.failures = 0
  }
  // A server that accepts watches and ends them at once must not be asked in a tight circle.
  if (!longEnough() && position.resourceVersion === resourceVersion) {
    throw new ClusterError('Unavailable', 'the watch ended at once and brought nothing')
  }
}

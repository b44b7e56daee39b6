/**
 * Keeps a store equal to the API server: a list, then watches that go on where the last one ended. An event that was
 * lost on its way would be missed for ever, so a copy that has become old is compared with all that exists: by the
 * events with which a watch may begin, which cost no further request, or by a list where the server has none.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type BackoffLimits, backoffMs } from './backoff.ts'
import { ClusterError, isClusterError } from './errors.ts'
import type { ListWatch, WatchEvent } from './list-watch.ts'
import type { Log } from './log.ts'
import type { KubernetesObject, Shelving, WatchedStore } from './port.ts'
import type { Kind } from './resources.ts'
import { stampOf } from './shelves.ts'
import { Store, type StoreFeed } from './store.ts'

export interface ReflectorTiming extends BackoffLimits {
  /** The server ends each watch after a random time in this range. */
  watchSeconds: { least: number; most: number }
  /**
   * Nothing came for so long: the connection is dead. The first bookmark of a quiet watch comes after about 120 s, so
   * anything below would break healthy watches.
   */
  idleMs: number
  /** A copy of this age is compared with all that exists when its watch has ended. */
  renewMs: number
  /** Longest wait for a kind that the API server does not know: somebody has to install it first. */
  unservedMs: number
  /** A watch that lived so long, or brought anything, counts as a success and resets the back-off. */
  successMs: number
  /** A number in [0, 1). */
  random: () => number
}

export const reflectorTiming: ReflectorTiming = {
  watchSeconds: { least: 300, most: 600 },
  idleMs: 200_000,
  renewMs: 300_000,
  baseMs: 500,
  maxMs: 8_000,
  unservedMs: 60_000,
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
  shelving?: Shelving<T>
}

/** Starts at once; never rejects and never gives up until stopped. */
export function startReflector<T extends KubernetesObject>(options: ReflectorOptions<T>): WatchedStore<T> {
  return new Reflector(options)
}

class Reflector<T extends KubernetesObject> extends Store<T> implements WatchedStore<T> {
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>

  constructor(options: ReflectorOptions<T>) {
    super(options.kind, options.shelving)
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
  /** When the copy was complete, by `performance.now()`. */
  completeAt: number
  /** False once the server refused to begin a watch with all that exists. */
  tellsEverything: boolean
}

async function keepFresh<T extends KubernetesObject>(run: Run<T>): Promise<void> {
  const { kind, log, signal, timing, feed, mayBeUnserved = false } = run
  const position: Position = {
    listed: false,
    resourceVersion: undefined,
    failures: 0,
    completeAt: Number.NEGATIVE_INFINITY,
    tellsEverything: true,
  }
  while (!signal.aborted) {
    try {
      await advance(run, position)
    } catch (error) {
      if (signal.aborted) break
      position.failures += 1
      // Never later: what is there would look deleted while the API server forgets a kind for a moment.
      if (mayBeUnserved && !position.listed && isClusterError(error, 'NotFound')) feed.replace([])
      tellServing(error, position.failures, run.feed)
      if (isClusterError(error, 'Gone', 'Protocol', 'NotFound') || !isClusterError(error))
        position.resourceVersion = undefined
      const waitMs = Math.max(waitOf(error, position.failures, timing), askedWait(error))
      log.warn(
        { err: error, kind, failures: position.failures, waitMs },
        'the watch broke; going on after a wait',
      )
      await pause(waitMs, undefined, { signal }).catch(() => {}) // only stopping ends it early
    }
  }
  feed.end()
}

/** Other trouble may lie on the way; a kind of which it never ends, for example for want of its webhook, is told, too. */
const tellingFailures = 5

function tellServing(
  error: unknown,
  failures: number,
  feed: Pick<StoreFeed<KubernetesObject>, 'serving' | 'serves'>,
): void {
  if (!isClusterError(error)) return
  const isUnserved = error.code === 'NotFound'
  const isTold = error.code === 'Forbidden' || failures >= tellingFailures
  if (isUnserved) feed.serves({ state: 'unserved' })
  else if (isTold && feed.serving.state !== 'served')
    feed.serves({ state: 'refused', message: error.message })
}

function waitOf(error: unknown, failures: number, { baseMs, maxMs, unservedMs, random }: ReflectorTiming) {
  const longestMs = isClusterError(error, 'NotFound') ? unservedMs : maxMs
  return backoffMs(failures, { baseMs, maxMs: longestMs }, random)
}

const askedWait = (error: unknown): number => (isClusterError(error) ? (error.retryAfterMs ?? 0) : 0)

/** One list when needed and one watch to its end. Trouble rejects; the position then holds what was reached. */
async function advance<T extends KubernetesObject>(run: Run<T>, position: Position): Promise<void> {
  const { feed, timing } = run
  const isOld = performance.now() - position.completeAt >= timing.renewMs
  const everything = isOld && position.tellsEverything && position.resourceVersion !== undefined
  if (position.resourceVersion === undefined || (isOld && !everything)) {
    position.resourceVersion = await listed(run)
    position.listed = true
    position.completeAt = performance.now()
  }
  const { resourceVersion } = position
  const events = await opened(run, position, { resourceVersion, everything })
  const openedAt = performance.now()
  const longEnough = (): boolean => performance.now() - openedAt >= timing.successMs
  try {
    await follow(events, { feed, position, everything })
  } finally {
    if (longEnough()) position.failures = 0
  }
  // A server that accepts watches and ends them at once must not be asked in a tight circle.
  if (!longEnough() && position.resourceVersion === resourceVersion) {
    throw new ClusterError('Unavailable', 'the watch ended at once and brought nothing')
  }
}

/** Takes over all there is, page by page; answers the moment of the list. */
async function listed<T extends KubernetesObject>({ source, feed, signal }: Run<T>): Promise<string> {
  const told = new Set<number>()
  let moment = ''
  for await (const { items, resourceVersion } of source.pages(signal)) {
    for (const item of items) {
      feed.set(item, true)
      told.add(stampOf(item))
    }
    moment = resourceVersion
  }
  feed.keepOnly(told)
  feed.complete()
  return moment
}

async function opened<T extends KubernetesObject>(
  { source, signal, timing }: Run<T>,
  position: Position,
  from: { resourceVersion: string; everything: boolean },
): Promise<AsyncIterable<WatchEvent<T>>> {
  const { least, most } = timing.watchSeconds
  const timeoutSeconds = Math.max(1, Math.round(least + (most - least) * timing.random()))
  try {
    return await source.watch({ ...from, timeoutSeconds, idleMs: timing.idleMs, signal })
  } catch (error) {
    if (from.everything && isClusterError(error, 'Invalid')) position.tellsEverything = false
    throw error
  }
}

interface Following<T extends KubernetesObject> {
  feed: StoreFeed<T>
  position: Position
  everything: boolean
}

async function follow<T extends KubernetesObject>(
  events: AsyncIterable<WatchEvent<T>>,
  { feed, position, everything }: Following<T>,
): Promise<void> {
  let told: Set<number> | undefined = everything ? new Set() : undefined
  for await (const event of events) {
    if (event.kind === 'changed') feed.set(event.object, event.isNew)
    if (event.kind === 'removed') feed.delete(event.object)
    position.failures = 0
    if (told !== undefined) {
      if (event.kind === 'changed') told.add(stampOf(event.object))
      // Until then each event has a version of its own, in no order: none of them is a place to go on from.
      if (event.kind !== 'bookmark' || !event.complete) continue
      feed.keepOnly(told)
      position.completeAt = performance.now()
      told = undefined
    }
    position.resourceVersion = event.resourceVersion
  }
}

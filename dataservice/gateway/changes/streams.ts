/** The streams of a pod: how many there may be, how they begin, and how they end. */
import { Readable } from 'node:stream'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { type ChangesOptions, unavailable } from './changes.ts'
import { Hub } from './hub.ts'
import { Places } from './places.ts'
import { type After, type Start, startOf } from './start-position.ts'
import { Stream } from './stream.ts'

/** Why a stream ended. */
export type StreamEnd = 'client' | 'slow' | 'old' | 'stopped' | 'failed'

export interface StreamsOptions
  extends Pick<ChangesOptions, 'log' | 'ask' | 'stored' | 'oldest' | 'eventOf'> {
  /** Hears how many records go out, and why streams end. */
  observe?: { sent(events: number): void; ended(why: StreamEnd): void }
  /** Hears why the streams of the pod broke off. */
  warn?(cause: unknown): void
  maxOpen?: number
  /** Those of them that read the log by themselves. */
  maxCatchingUp?: number
  /** Of the newest records, for those who are slow. */
  bufferBytes?: number
  /** Between two signs of life. */
  tickMs?: number
  /** How long a client may leave what it was sent unread. */
  unreadMs?: number
  /** After this a client comes again: its rights are looked at anew, and new pods get their share. */
  maxAgeMs?: number
  /** For the answer to begin, and for streams to end in order. */
  deadlineMs?: number
}

const defaults = {
  observe: { sent: () => {}, ended: () => {} },
  warn: () => {},
  maxOpen: 1_000,
  maxCatchingUp: 16,
  bufferBytes: 16 * 1024 * 1024,
  tickMs: 15_000,
  unreadMs: 30_000,
  maxAgeMs: 3_600_000,
  deadlineMs: 4_500,
} as const

/** Clients that are sent away at once come again over this time. */
const retryMs = () => 500 + Math.random() * 2_000
const fullRetrySeconds = 10

interface Open {
  body: Readable
  end(why: StreamEnd): void
}

export class Streams {
  readonly #options: Required<StreamsOptions>
  readonly #places: Places
  readonly #open = new Set<Open>()
  #opening = 0
  #hub: Promise<Hub> | undefined
  #isStopped = false

  constructor(options: StreamsOptions) {
    this.#options = { ...defaults, ...options }
    this.#places = new Places(this.#options.maxCatchingUp)
  }

  get open(): number {
    return this.#open.size
  }

  /**
   * All that is stored behind `after`, as server-sent events. Rejects with a Problem when there are too many streams, or
   * when the log or the reader is away.
   */
  async start(after: After, ownKey?: string): Promise<Readable> {
    const { maxOpen, deadlineMs } = this.#options
    if (this.#isStopped || this.#open.size + this.#opening >= maxOpen)
      throw new Problem('overloaded', {
        detail: 'Too many streams are open here.',
        retryAfter: fullRetrySeconds,
      })
    this.#opening += 1
    const signal = AbortSignal.timeout(deadlineMs)
    try {
      const [hub, start] = await this.#begin(after, signal)
      return this.#body(hub, start, ownKey)
    } catch (cause) {
      throw unavailable(cause, signal)
    } finally {
      this.#opening -= 1
      this.#restIfIdle()
    }
  }

  /** Ends all of them in order; those that take nothing in time are cut off. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const closed = [...this.#open].map(
      ({ body }) => new Promise<void>(resolve => body.once('close', () => resolve())),
    )
    for (const each of this.#open) each.end('stopped')
    const timer = setTimeout(() => {
      for (const { body } of this.#open) body.destroy()
    }, this.#options.deadlineMs)
    await Promise.all(closed)
    clearTimeout(timer)
    ;(await this.#hub?.catch(() => undefined))?.stop()
  }

  async #begin(after: After, signal: AbortSignal): Promise<[Hub, Start]> {
    const hub = await this.#sharedHub(signal)
    const { log } = hub.vector
    if (after === 'now')
      return [hub, { topic: hub.topic, vector: { log, next: new Map(hub.vector.next) }, gaps: [] }]
    const start = await startOf(after, this.#options, signal)
    const isSame = start.topic === hub.topic && start.vector.next.size === hub.vector.next.size
    if (isSame && !hub.isOver) return [hub, start]
    // The topic is another, or has more partitions: all streams begin anew.
    hub.stop()
    return [await this.#sharedHub(signal), start]
  }

  async #sharedHub(signal: AbortSignal): Promise<Hub> {
    const before = this.#hub
    const known = await before?.catch(() => undefined)
    if (known && !known.isOver) return known
    if (this.#hub && this.#hub !== before) return this.#hub // another stream was quicker
    const { log, ask, oldest, eventOf, stored, bufferBytes: maxBytes, tickMs, warn } = this.#options
    const access = { log, ask, oldest, eventOf }
    this.#hub = startOf('now', { log, stored }, signal).then(
      start => new Hub({ start, ...access, maxBytes, tickMs, onFailure: warn }),
    )
    return this.#hub
  }

  #body(hub: Hub, start: Start, ownKey: string | undefined): Readable {
    const { log, ask, oldest, eventOf, observe, warn, unreadMs, maxAgeMs } = this.#options
    const ending = new AbortController()
    let why: StreamEnd | undefined
    const stream = new Stream({
      hub,
      access: { log, ask, oldest, eventOf },
      start,
      ...(ownKey !== undefined && { ownKey }),
      takePlace: signal => this.#places.take(signal),
      signal: ending.signal,
      retryMs,
      sent: observe.sent,
      failed: cause => {
        why ??= 'failed'
        warn(cause)
      },
    })
    const body = readable(stream.chunks(), unreadMs, () => open.end(hub.isOver ? 'failed' : 'client'))
    const open: Open = {
      body,
      end: reason => {
        why ??= reason
        ending.abort(new Error(reason))
        hub.wake()
      },
    }
    const timer = setTimeout(() => open.end('old'), maxAgeMs * (0.75 + Math.random() / 4))
    this.#open.add(open)
    body.once('close', () => {
      clearTimeout(timer)
      this.#open.delete(open)
      observe.ended(body.errored instanceof Unread ? 'slow' : (why ?? 'client'))
      this.#restIfIdle()
    })
    return body
  }

  /** While nobody follows nothing is read. */
  #restIfIdle(): void {
    if (this.#open.size > 0 || this.#opening > 0) return
    const hub = this.#hub
    this.#hub = undefined
    hub?.then(
      started => started.stop(),
      () => {}, // it did not start
    )
  }
}

/** Chunk by chunk, as the client takes them. Unlike `Readable.from` it is closed at once when the client leaves. */
function readable(chunks: AsyncGenerator<Buffer>, unreadMs: number, leave: () => void): Readable {
  let unread: NodeJS.Timeout | undefined
  return new Readable({
    read() {
      clearTimeout(unread)
      chunks.next().then(
        ({ done, value }) => {
          if (this.destroyed) return
          unread = setTimeout(() => this.destroy(new Unread('the client does not read')), unreadMs)
          this.push(done ? null : value)
        },
        (error: Error) => this.destroy(error),
      )
    },
    destroy(error, done) {
      clearTimeout(unread)
      leave()
      void chunks.return(undefined)
      done(error)
    },
  })
}

class Unread extends Error {}

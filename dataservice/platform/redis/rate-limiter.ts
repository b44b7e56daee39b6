/**
 * Limits callers together, whichever pod they reach: one script in Redis for each request (GCRA, the leaky bucket as a
 * meter). Commands of the same moment share a round trip. While Redis is away nobody is limited.
 */
import type { Redis, Result } from 'ioredis'
import type { Logger } from 'pino'
import { connectRedis, type RedisAddress } from './connection.ts'

export type LimitAnswer =
  | { kind: 'allowed'; remaining: number; resetMs: number }
  | { kind: 'limited'; retryMs: number; resetMs: number }
  | { kind: 'away' }

export interface RateLimiter {
  /** Counts one request of a caller. Never rejects. */
  take(caller: string): Promise<LimitAnswer>
  close(): Promise<void>
}

export interface RateLimiterOptions extends RedisAddress {
  /** Before every key, for example `shop.orders:rate:`. */
  prefix: string
  /** So many in so many milliseconds, also all at once. */
  requests: number
  perMs: number
  log: Logger
}

/**
 * KEYS[1]: when the caller's bucket is empty, in microseconds of Redis' own clock, so that clocks of pods do not
 * count. ARGV: microseconds of one request, and of all of them. Answers 1 or 0, and microseconds until it is empty.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local one, all = tonumber(ARGV[1]), tonumber(ARGV[2])
local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
if empty + one - now > all then return {0, empty - now} end
empty = empty + one
redis.call('SET', KEYS[1], string.format('%.0f', empty), 'PX', math.ceil((empty - now) / 1000))
return {1, empty - now}
`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    takeOne(key: string, one: number, all: number): Result<[number, number], Context>
  }
}

/** After so many failures in a row nobody asks for a while: a Redis that hangs must not slow every request. */
const failuresBeforeRest = 3
const restMs = 1_000

/** Connects in the background, and again whenever the connection is lost. */
export function openRateLimiter(options: RateLimiterOptions): RateLimiter {
  return new RedisRateLimiter(options)
}

class RedisRateLimiter implements RateLimiter {
  readonly #redis: Redis
  readonly #log: Logger
  /** Microseconds of one request, and of all of them. */
  readonly #one: number
  readonly #all: number
  #failures = 0
  #restUntil = 0
  #isAway = false

  constructor({ prefix, requests, perMs, log, ...address }: RateLimiterOptions) {
    this.#log = log
    this.#all = perMs * 1000
    this.#one = Math.max(1, Math.round(this.#all / requests))
    this.#redis = connectRedis(address, { keyPrefix: prefix, enableAutoPipelining: true })
    this.#redis.defineCommand('takeOne', { numberOfKeys: 1, lua: script })
    this.#redis.on('ready', () => this.#isBack())
    this.#redis.on('error', (error: Error) => this.#isGone(error.message))
  }

  async take(caller: string): Promise<LimitAnswer> {
    if (this.#redis.status !== 'ready' || performance.now() < this.#restUntil) return { kind: 'away' }
    const [one, all] = [this.#one, this.#all]
    try {
      const [allowed, untilEmpty] = await this.#redis.takeOne(caller, one, all)
      this.#failures = 0
      const resetMs = untilEmpty / 1000
      if (allowed !== 1) return { kind: 'limited', retryMs: (untilEmpty + one - all) / 1000, resetMs }
      return { kind: 'allowed', remaining: Math.max(0, Math.floor((all - untilEmpty) / one)), resetMs }
    } catch {
      this.#countFailure()
      return { kind: 'away' }
    }
  }

  async close(): Promise<void> {
    this.#redis.disconnect()
  }

  #countFailure(): void {
    this.#failures += 1
    if (this.#failures < failuresBeforeRest) return
    this.#failures = 0
    this.#restUntil = performance.now() + restMs
    this.#isGone('it does not answer in time')
    this.#redis.disconnect(true) // drops the commands that still wait for an answer
  }

  #isBack(): void {
    this.#failures = 0
    this.#restUntil = 0
    if (this.#isAway) this.#log.info('Redis is back: callers are limited again')
    this.#isAway = false
  }

  #isGone(reason: string): void {
    if (!this.#isAway) this.#log.warn({ reason }, 'Redis is away: callers are not limited')
    this.#isAway = true
  }
}

/**
 * Limits callers together, whichever pod they reach: one script in Redis for each request (GCRA, the leaky bucket as a
 * meter). Commands of the same moment share a round trip. All pods count at the same instance, and anew at the next one
 * while that is away. While Redis is away as a whole nobody is limited.
 */
import type { Result } from 'ioredis'
import type { Logger } from 'pino'
import type { CircuitStateName, Observed } from '../circuit.ts'
import type { RedisAddresses } from './connection.ts'
import { Instances } from './instance.ts'

export type LimitAnswer =
  | { kind: 'allowed'; remaining: number; resetMs: number }
  | { kind: 'limited'; retryMs: number; resetMs: number }
  | { kind: 'away' }

export interface RateLimiter {
  /** Counts one request of a caller. Never rejects. */
  take(caller: string): Promise<LimitAnswer>
  close(): Promise<void>
  /** As that of a `Cache`. */
  readonly state: CircuitStateName
  readonly instances: readonly Observed[]
}

export interface RateLimiterOptions extends RedisAddresses {
  /** Before every key, for example `shop.orders:rate:`. */
  prefix: string
  /** So many in so many milliseconds, also all at once. */
  requests: number
  perMs: number
  log: Logger
}

/**
 * KEYS[1]: when the caller's bucket is empty, in microseconds of Redis' own clock, so that clocks of pods do not
 * count. ARGV: microseconds of one request, and of all of them. Answers 1 or 0, and microseconds until it is empty. A
 * bucket that would take longer than a full one is of a time before Redis' clock was set back: the caller begins anew.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local one, all = tonumber(ARGV[1]), tonumber(ARGV[2])
local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
if empty - now > all then empty = now end
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

/** Connects in the background, and again whenever the connection is lost. */
export function openRateLimiter(options: RateLimiterOptions): RateLimiter {
  return new RedisRateLimiter(options)
}

class RedisRateLimiter implements RateLimiter {
  readonly #redis: Instances
  /** Microseconds of one request, and of all of them. */
  readonly #one: number
  readonly #all: number

  constructor({ prefix, requests, perMs, log, ...addresses }: RateLimiterOptions) {
    this.#all = perMs * 1000
    this.#one = Math.max(1, Math.round(this.#all / requests))
    this.#redis = new Instances(addresses, log, { keyPrefix: prefix, enableAutoPipelining: true })
    for (const { redis } of this.#redis.all) redis.defineCommand('takeOne', { numberOfKeys: 1, lua: script })
  }

  async take(caller: string): Promise<LimitAnswer> {
    const [one, all] = [this.#one, this.#all]
    const answer = await this.#redis.ask(redis => redis.takeOne(caller, one, all))
    if (answer === undefined) return { kind: 'away' }
    const [allowed, untilEmpty] = answer
    const resetMs = untilEmpty / 1000
    if (allowed !== 1) return { kind: 'limited', retryMs: (untilEmpty + one - all) / 1000, resetMs }
    return { kind: 'allowed', remaining: Math.max(0, Math.floor((all - untilEmpty) / one)), resetMs }
  }

  async close(): Promise<void> {
    this.#redis.close()
  }

  get state(): CircuitStateName {
    return this.#redis.state
  }

  get instances(): readonly Observed[] {
    return this.#redis.all
  }
}

/** A cache that may be away at any time: it answers quickly or not at all, and never fails its caller. */
import type { Redis, Result } from 'ioredis'
import type { Logger } from 'pino'
import type { CircuitStateName } from '../circuit.ts'
import { connectRedis, type RedisAddress } from './connection.ts'
import { guardMs, setNewestScript, type Versioned } from './versioned.ts'

export type CacheAnswer = { kind: 'hit'; value: Buffer } | { kind: 'miss' } | { kind: 'away' }

export interface Cache {
  /** Never rejects. */
  get(key: string): Promise<CacheAnswer>
  /** Fire and forget: whether it was kept shows at the next `get`. */
  set(key: string, value: Buffer, ttlMs: number): void
  /**
   * Fire and forget, like `set`: each value is kept unless Redis has a newer version of it, or, for `onlyNewer`, the same.
   */
  setNewest(values: readonly Versioned[], options?: { onlyNewer?: boolean }): void
  close(): Promise<void>
  /** Closed while it is asked; open while it is left alone; half-open while one question tries it. */
  readonly state: CircuitStateName
}

export interface CacheOptions extends RedisAddress {
  /** Before every key, for example `shop.orders:`. */
  prefix: string
  log: Logger
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    setNewest(keys: number, ...rest: (string | number | Buffer)[]): Result<null, Context>
  }
}

/** Values of one command: Redis does nothing else meanwhile. */
const maxValues = 250
/** After this many failures in a row nobody asks for a while: a Redis that hangs must not slow every answer. */
const failuresBeforeRest = 3
const restMs = 1_000

interface Wanted {
  key: string
  resolve(answer: CacheAnswer): void
}

const away: Promise<CacheAnswer> = Promise.resolve({ kind: 'away' })

/** Connects in the background, and again whenever the connection is lost. */
export function openCache(options: CacheOptions): Cache {
  return new RedisCache(options)
}

class RedisCache implements Cache {
  readonly #redis: Redis
  readonly #log: Logger
  /** The client's own way to put it before keys costs as much as the rest of a command. */
  readonly #prefix: string
  readonly #wanted: Wanted[] = []
  #failures = 0
  #restUntil = 0
  /** After a rest one question goes ahead of all others. */
  #trial: 'none' | 'due' | 'under way' = 'none'
  #isAway = false

  constructor({ prefix, log, ...address }: CacheOptions) {
    this.#log = log
    this.#prefix = prefix
    this.#redis = connectRedis(address)
    this.#redis.defineCommand('setNewest', { lua: setNewestScript })
    this.#redis.on('ready', () => this.#isBack())
    this.#redis.on('error', (error: Error) => this.#isGone(error))
  }

  get(key: string): Promise<CacheAnswer> {
    if (!this.#isAsked || this.#trial === 'under way') return away
    const { promise, resolve } = Promise.withResolvers<CacheAnswer>()
    this.#wanted.push({ key, resolve })
    if (this.#wanted.length === 1) setImmediate(() => this.#ask())
    return promise
  }

  /** All keys that callers asked for in one turn of the event loop go out as one command: it costs like one of them. */
  #ask(): void {
    const wanted = this.#wanted.splice(0)
    if (this.#trial === 'due') this.#trial = 'under way'
    this.#redis.mgetBuffer(wanted.map(({ key }) => this.#prefix + key)).then(
      values => {
        this.#countSuccess()
        wanted.forEach(({ resolve }, place) => {
          const value = values[place]
          resolve(value ? { kind: 'hit', value } : { kind: 'miss' })
        })
      },
      () => {
        this.#countFailure()
        for (const { resolve } of wanted) resolve({ kind: 'away' })
      },
    )
  }

  set(key: string, value: Buffer, ttlMs: number): void {
    if (this.#isAsked && this.#trial === 'none')
      this.#redis.set(this.#prefix + key, value, 'PX', ttlMs).catch(() => this.#countFailure())
  }

  setNewest(values: readonly Versioned[], { onlyNewer = false } = {}): void {
    for (let from = 0; from < values.length; from += maxValues) {
      if (!this.#isAsked || this.#trial === 'under way') return
      if (this.#trial === 'due') this.#trial = 'under way'
      const some = values.slice(from, from + maxValues)
      const keys = some.map(({ key }) => this.#prefix + key)
      const rest = [guardMs, onlyNewer ? '0' : '1', ...some.map(({ value }) => value)]
      this.#redis.setNewest(some.length, ...keys, ...rest).then(
        () => this.#countSuccess(),
        () => this.#countFailure(),
      )
    }
  }

  async close(): Promise<void> {
    this.#redis.disconnect()
  }

  get state(): CircuitStateName {
    if (this.#redis.status !== 'ready' || performance.now() < this.#restUntil) return 'open'
    return this.#trial === 'none' ? 'closed' : 'half-open'
  }

  get #isAsked(): boolean {
    return this.#redis.status === 'ready' && performance.now() >= this.#restUntil
  }

  #countSuccess(): void {
    this.#failures = 0
    this.#trial = 'none'
  }

  #countFailure(): void {
    this.#failures += 1
    if (this.#failures < failuresBeforeRest && this.#trial === 'none') return
    this.#failures = 0
    this.#trial = 'due'
    this.#restUntil = performance.now() + restMs
    this.#redis.disconnect(true) // drops the commands that still wait for an answer
  }

  #isBack(): void {
    this.#failures = 0
    if (this.#isAway) this.#log.info('the cache is back')
    this.#isAway = false
  }

  #isGone(error: Error): void {
    const reason = error.message
    if (!this.#isAway) this.#log.warn({ reason }, 'the cache is away; answers come from the database')
    this.#isAway = true
  }
}

/** A cache that may be away at any time: it answers quickly or not at all, and never fails its caller. */
import type { Result } from 'ioredis'
import type { Logger } from 'pino'
import type { CircuitStateName, Observed } from '../circuit.ts'
import type { RedisAddresses } from './connection.ts'
import { Instances } from './instance.ts'
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
  /** Closed while it is asked; open while it is left alone; half-open while one question tries it. Of the best instance. */
  readonly state: CircuitStateName
  /** Each of them, in the order of their addresses. */
  readonly instances: readonly Observed[]
}

export interface CacheOptions extends RedisAddresses {
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
  readonly #redis: Instances
  /** The client's own way to put it before keys costs as much as the rest of a command. */
  readonly #prefix: string
  readonly #wanted: Wanted[] = []

  constructor({ prefix, log, ...addresses }: CacheOptions) {
    this.#prefix = prefix
    this.#redis = new Instances(addresses, log)
    for (const { redis } of this.#redis.all) redis.defineCommand('setNewest', { lua: setNewestScript })
  }

  get(key: string): Promise<CacheAnswer> {
    if (!this.#redis.isAsked) return away
    const { promise, resolve } = Promise.withResolvers<CacheAnswer>()
    this.#wanted.push({ key, resolve })
    if (this.#wanted.length === 1) setImmediate(() => void this.#ask())
    return promise
  }

  /** All keys that callers asked for in one turn of the event loop go out as one command: it costs like one of them. */
  async #ask(): Promise<void> {
    const wanted = this.#wanted.splice(0)
    const keys = wanted.map(({ key }) => this.#prefix + key)
    const values = await this.#redis.ask(redis => redis.mgetBuffer(keys))
    wanted.forEach(({ resolve }, place) => {
      const value = values?.[place]
      if (value) resolve({ kind: 'hit', value })
      else resolve({ kind: values ? 'miss' : 'away' })
    })
  }

  set(key: string, value: Buffer, ttlMs: number): void {
    this.#redis.tell(redis => redis.set(this.#prefix + key, value, 'PX', ttlMs))
  }

  setNewest(values: readonly Versioned[], { onlyNewer = false } = {}): void {
    for (let from = 0; from < values.length && this.#redis.isAsked; from += maxValues) {
      const some = values.slice(from, from + maxValues)
      const keys = some.map(({ key }) => this.#prefix + key)
      const rest = [guardMs, onlyNewer ? '0' : '1', ...some.map(({ value }) => value)]
      this.#redis.tell(redis => redis.setNewest(some.length, ...keys, ...rest))
    }
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

/**
 * Instances of Redis, equal in rank: one, or several that know nothing of each other. Who keeps something tells all of
 * them, and asks one: the one that has been up longest, because it has heard most. Each has a circuit of its own.
 */
import type { Redis, RedisOptions } from 'ioredis'
import type { Logger } from 'pino'
import { type CircuitStateName, circuitStates, type Observed } from '../circuit.ts'
import { connectRedis, type RedisAddress, type RedisAddresses } from './connection.ts'

/** After this many failures in a row nobody asks for a while: a Redis that hangs must not slow every answer. */
const failuresBeforeRest = 3
const restMs = 1_000

type Question<Answer> = (redis: Redis) => Promise<Answer>

interface InstanceOptions {
  log: Logger
  /** There is no other: how long it has been up does not matter. */
  isAlone: boolean
  more: Pick<RedisOptions, 'keyPrefix' | 'enableAutoPipelining'>
}

/** Connects in the background, and again whenever the connection is lost. */
class Instance implements Observed {
  readonly redis: Redis
  readonly #host: string
  readonly #log: Logger
  /** When it was started (`startOf`); undefined: not known yet. */
  #since: number | undefined
  #failures = 0
  #restUntil = 0
  /** After a rest one question goes ahead of all others. */
  #trial: 'none' | 'due' | 'under way' = 'none'
  #isAway = false

  constructor(address: RedisAddress, { log, isAlone, more }: InstanceOptions) {
    this.#log = log
    this.#host = `${address.host}:${address.port}`
    this.redis = connectRedis(address, more)
    this.redis.on('error', (error: Error) => this.#isGone(error.message))
    if (isAlone) this.#since = 0
    else {
      this.redis.on('close', () => (this.#since = undefined))
      this.redis.on('ready', () => void this.#learnSince())
    }
  }

  get state(): CircuitStateName {
    if (!this.#isConnected || performance.now() < this.#restUntil) return 'open'
    return this.#trial === 'none' ? 'closed' : 'half-open'
  }

  /** Whether a question may go to it now. */
  get isAsked(): boolean {
    if (!this.#isConnected || this.#trial === 'under way') return false
    return this.#restUntil === 0 || performance.now() >= this.#restUntil
  }

  /** Infinity while it is not known. */
  get since(): number {
    return this.#since ?? Number.POSITIVE_INFINITY
  }

  /** Rejects as the question does. */
  ask<Answer>(question: Question<Answer>): Promise<Answer> {
    if (this.#trial === 'due') {
      this.#trial = 'under way'
      this.#restUntil = 0
    }
    return question(this.redis).then(
      answer => {
        this.#countSuccess()
        return answer
      },
      error => {
        this.#rest()
        throw error
      },
    )
  }

  /** Fire and forget; not at all while it is away. */
  tell(question: Question<unknown>): void {
    if (this.isAsked) this.ask(question).catch(() => undefined)
  }

  get #isConnected(): boolean {
    return this.redis.status === 'ready' && this.#since !== undefined
  }

  async #learnSince(): Promise<void> {
    try {
      this.#since = startOf(await this.redis.info('server'))
    } catch {
      this.redis.disconnect(true) // the next connection asks again
    }
  }

  #countSuccess(): void {
    this.#failures = 0
    this.#trial = 'none'
    if (this.#isAway) this.#log.info({ redis: this.#host }, 'Redis is back')
    this.#isAway = false
  }

  #rest(): void {
    this.#failures += 1
    if (this.#failures < failuresBeforeRest && this.#trial === 'none') return
    this.#failures = 0
    this.#trial = 'due'
    this.#restUntil = performance.now() + restMs
    this.#isGone('it does not answer in time')
    this.redis.disconnect(true) // drops the commands that still wait for an answer
  }

  #isGone(reason: string): void {
    if (!this.#isAway) this.#log.warn({ redis: this.#host, reason }, 'Redis is away')
    this.#isAway = true
  }
}

/** One, or all of equal rank. */
export class Instances implements Observed {
  readonly all: readonly Instance[]

  constructor({ peers = [], ...first }: RedisAddresses, log: Logger, more: InstanceOptions['more'] = {}) {
    const addresses = [first, ...peers.map(peer => ({ ...first, ...peer }))]
    this.all = addresses.map(address => new Instance(address, { log, isAlone: peers.length === 0, more }))
  }

  /** That of the best. */
  get state(): CircuitStateName {
    const states = this.all.map(({ state }) => state)
    return circuitStates.find(state => states.includes(state)) ?? 'open'
  }

  /** Whether a question may go to any of them now. */
  get isAsked(): boolean {
    return this.eldest() !== undefined
  }

  /**
   * Whom to ask: of those that answer the one that has been up longest, and the first of those that were started in the
   * same second. It follows from the instances alone, so all processes that reach the same ones choose the same.
   */
  eldest(besides: readonly Instance[] = []): Instance | undefined {
    let found: Instance | undefined
    for (const instance of this.all) {
      const isElder = instance.isAsked && (found === undefined || instance.since < found.since)
      if (isElder && !besides.includes(instance)) found = instance
    }
    return found
  }

  /** Asks one, and when it fails the next one; undefined when none answers. Never rejects. */
  async ask<Answer>(question: Question<Answer>): Promise<Answer | undefined> {
    const failed: Instance[] = []
    for (let asked = this.eldest(); asked !== undefined; asked = this.eldest(failed))
      try {
        return await asked.ask(question)
      } catch {
        failed.push(asked)
      }
    return undefined
  }

  /** Fire and forget: each that is not away. */
  tell(question: Question<unknown>): void {
    for (const instance of this.all) instance.tell(question)
  }

  close(): void {
    for (const { redis } of this.all) redis.disconnect()
  }
}

/**
 * From the answer to `INFO server`: the second in which it was started, by its own clock, so that whoever asks, and when,
 * finds the same.
 */
function startOf(info: string): number {
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1])
  const start = Math.floor(field('server_time_usec') / 1_000_000) - field('uptime_in_seconds')
  return Number.isNaN(start) ? Number.MAX_SAFE_INTEGER : start
}

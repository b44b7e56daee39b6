/**
 * A bounded pool of connections. Our own: pg-pool loses its place for a connection whose opening timed out, and
 * keeps connections that hang. Here every place is given back by one code path, whatever happened.
 */
import { DatabaseFailure } from './failure.ts'

/** What the pool keeps. */
export interface Pooled {
  readonly usable: boolean
  end(): Promise<void>
  destroy(): void
}

export interface PoolOptions<Member extends Pooled> {
  size: number
  open: () => Promise<Member>
  /** False for a member that is to be replaced by a new one when nobody uses it. Absent: none is. */
  isCurrent?: (member: Member) => boolean
  /** How long a caller waits for a free place. */
  waitMs: number
  /** Callers that may wait; one more is refused at once. */
  maxWaiting: number
}

export class Pool<Member extends Pooled> {
  readonly #options: PoolOptions<Member>
  readonly #idle: Member[] = []
  readonly #waiters: (() => void)[] = []
  readonly #drained = Promise.withResolvers<void>()
  #busy = 0
  #isClosed = false

  constructor(options: PoolOptions<Member>) {
    this.#options = options
  }

  /** Members in use or being opened. */
  get busy(): number {
    return this.#busy
  }

  get waiting(): number {
    return this.#waiters.length
  }

  /**
   * Runs `work` with a member of its own. Rejects with `retriable` when none comes free in time; `withinMs` may make
   * that time shorter.
   */
  async use<T>(work: (member: Member) => Promise<T>, withinMs: number = Infinity): Promise<T> {
    await this.#takePlace(Math.min(this.#options.waitMs, withinMs))
    try {
      const member = this.#idleMember() ?? (await this.#options.open())
      try {
        return await work(member)
      } finally {
        if (!member.usable) this.#dropIdle()
        else if (this.#isCurrent(member)) this.#idle.push(member)
        else void member.end()
      }
    } finally {
      this.#leavePlace()
    }
  }

  /** Takes nobody in any more, waits for what runs, ends all members. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#busy > 0) await this.#drained.promise
    await Promise.all(this.#idle.splice(0).map(member => member.end()))
  }

  async #takePlace(waitMs: number): Promise<void> {
    if (this.#isClosed) throw new DatabaseFailure('the pool is closed', 'retriable')
    if (this.#busy < this.#options.size) {
      this.#busy += 1
      return
    }
    if (this.#waiters.length >= this.#options.maxWaiting) {
      throw new DatabaseFailure('too many callers wait for a connection', 'retriable')
    }
    const turn = Promise.withResolvers<void>()
    this.#waiters.push(turn.resolve)
    const timer = setTimeout(() => {
      this.#waiters.splice(this.#waiters.indexOf(turn.resolve), 1)
      turn.reject(new DatabaseFailure(`no free connection within ${waitMs} ms`, 'retriable'))
    }, waitMs)
    await turn.promise.finally(() => clearTimeout(timer))
  }

  /** Hands the place to the next waiter, who then counts as busy in our stead. */
  #leavePlace(): void {
    const next = this.#waiters.shift()
    if (next) {
      next()
      return
    }
    this.#busy -= 1
    if (this.#isClosed && this.#busy === 0) this.#drained.resolve()
  }

  /**
   * What broke one has most likely broken all. On a network that lets nothing through, each of them would cost a caller
   * of its own the whole time limit to find out.
   */
  #dropIdle(): void {
    for (const member of this.#idle.splice(0)) member.destroy()
  }

  #idleMember(): Member | undefined {
    for (;;) {
      const member = this.#idle.pop()
      if (!member || (member.usable && this.#isCurrent(member))) return member
      void member.end()
    }
  }

  #isCurrent(member: Member): boolean {
    return this.#options.isCurrent?.(member) ?? true
  }
}

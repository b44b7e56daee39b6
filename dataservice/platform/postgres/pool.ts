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
  /** How long a caller waits for a free place. */
  waitMs: number
  /** Callers that may wait; one more is refused at once. */
  maxWaiting: number
}

export interface Pool<Member extends Pooled> {
  /** Runs `work` with a member of its own. Rejects with `retriable` when none comes free in time. */
  use<T>(work: (member: Member) => Promise<T>): Promise<T>
  /** Members in use or being opened. */
  readonly busy: number
  readonly waiting: number
  /** Takes nobody in any more, waits for what runs, ends all members. */
  close(): Promise<void>
}

export function makePool<Member extends Pooled>(options: PoolOptions<Member>): Pool<Member> {
  const idle: Member[] = []
  const waiters: (() => void)[] = []
  const drained = Promise.withResolvers<void>()
  let busy = 0
  let closed = false

  async function takePlace(): Promise<void> {
    if (closed) throw new DatabaseFailure('the pool is closed', 'retriable')
    if (busy < options.size) {
      busy += 1
      return
    }
    if (waiters.length >= options.maxWaiting) {
      throw new DatabaseFailure('too many callers wait for a connection', 'retriable')
    }
    const turn = Promise.withResolvers<void>()
    waiters.push(turn.resolve)
    const timer = setTimeout(() => {
      waiters.splice(waiters.indexOf(turn.resolve), 1)
      turn.reject(new DatabaseFailure(`no free connection within ${options.waitMs} ms`, 'retriable'))
    }, options.waitMs)
    await turn.promise.finally(() => clearTimeout(timer))
  }

  /** Hands the place to the next waiter, who then counts as busy in our stead. */
  function leavePlace(): void {
    const next = waiters.shift()
    if (next) {
      next()
    } else {
      busy -= 1
      if (closed && busy === 0) drained.resolve()
    }
  }

  function idleMember(): Member | undefined {
    for (;;) {
      const member = idle.pop()
      if (!member || member.usable) return member
    }
  }

  return {
    get busy() {
      return busy
    },
    get waiting() {
      return waiters.length
    },
    async use(work) {
      await takePlace()
      try {
        const member = idleMember() ?? (await options.open())
        try {
          return await work(member)
        } finally {
          if (member.usable) idle.push(member)
        }
      } finally {
        leavePlace()
      }
    },
    async close() {
      closed = true
      if (busy > 0) await drained.promise
      await Promise.all(idle.splice(0).map(member => member.end()))
    },
  }
}

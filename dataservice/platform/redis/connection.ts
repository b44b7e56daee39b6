/** How our processes connect to Redis, ours or somebody else's: in the background, and again whenever the connection is lost. */
import type { SecureContext } from 'node:tls'
import { Redis, type RedisOptions } from 'ioredis'

export interface RedisAccess {
  /** Absent: the default user. */
  username?: string
  /** Absent: nobody logs in. */
  password?: string
}

export interface RedisEndpoint {
  host: string
  port: number
}

export interface RedisAddress extends RedisAccess, RedisEndpoint {
  /** Asked before each connection, so that a changed password is picked up; it wins over `username` and `password`. */
  access?: () => RedisAccess
  /**
   * Absent: plain. `authority`: the certificates (PEM) that are trusted; absent: those of Node. `context`: what to show
   * and to trust, in its stead. Both are asked before each connection.
   */
  tls?: { authority?: () => string; context?: () => SecureContext }
  /** Who does not answer for so many milliseconds counts as away. Absent: 80, longer than a healthy Redis ever takes and below what a caller notices. */
  answerMs?: number
}

/** One Redis, or several that are opened in the same way. */
export interface RedisAddresses extends RedisAddress {
  /** The others; absent: there are none. */
  peers?: readonly RedisEndpoint[]
}

const connectTimeoutMs = 1_000
const maxReconnectMs = 2_000

export function connectRedis(
  { access, tls, answerMs = 80, ...address }: RedisAddress,
  more: Pick<RedisOptions, 'keyPrefix' | 'enableAutoPipelining' | 'lazyConnect'> = {},
): Redis {
  const current = (): Pick<RedisOptions, 'username' | 'password' | 'tls'> => ({
    ...access?.(),
    ...(tls && {
      tls: {
        ...(tls.authority && { ca: tls.authority() }),
        ...(tls.context && { secureContext: tls.context() }),
      },
    }),
  })
  const redis: Redis = new Redis({
    ...address,
    ...current(),
    commandTimeout: answerMs,
    connectTimeout: connectTimeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: attempt => {
      Object.assign(redis.options, readable(current)) // the client looks there when it connects
      return Math.min(50 * 2 ** Math.min(attempt, 10), maxReconnectMs)
    },
    ...more,
  })
  return redis
}

/** While a Secret is being replaced, what was read last goes on. */
function readable(current: () => Partial<RedisOptions>): Partial<RedisOptions> {
  try {
    return current()
  } catch {
    return {}
  }
}

/** How many passwords open a Redis: two while one takes over from the other. */
import { connectRedis, type RedisAddresses } from './connection.ts'

/** Of each instance. Rejects when one of them does not answer, or does not take ours. */
export function passwordCounts({ peers = [], ...first }: RedisAddresses): Promise<number[]> {
  const instances = [first, ...peers.map(({ host, port }) => ({ ...first, host, port }))]
  return Promise.all(
    instances.map(async address => {
      const redis = connectRedis(address, { lazyConnect: true })
      redis.on('error', () => {}) // the call that fails tells
      try {
        await redis.connect()
        return countIn(await redis.call('ACL', 'GETUSER', 'default'))
      } finally {
        redis.disconnect()
      }
    }),
  )
}

/** A list of names and values. */
function countIn(answer: unknown): number {
  const fields: unknown[] = Array.isArray(answer) ? answer : []
  const passwords = fields[fields.indexOf('passwords') + 1]
  if (!Array.isArray(passwords)) throw new Error('Redis does not tell how many passwords open it')
  return passwords.length
}

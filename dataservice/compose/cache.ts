/** What readers share in Redis, and writers tell them there. */
import { measureCircuits, type Observed } from '#dataservice/platform/circuit.ts'
import type { RoleContext } from '#dataservice/platform/lifecycle.ts'
import { type Cache, openCache } from '#dataservice/platform/redis/cache.ts'
import { redisCircuits } from './circuits.ts'
import { type RedisPaths, redisAddress } from './redis-address.ts'

/** Its circuits are measured together with the `others` of the process. */
export function sharedCache(
  context: RoleContext,
  paths: RedisPaths,
  others: Readonly<Record<string, Observed>> = {},
): Cache {
  const cache = openCache({ ...redisAddress(context, paths), log: context.log })
  context.onClose('the cache', () => cache.close())
  measureCircuits(context.metrics, { ...others, ...redisCircuits('cache', cache) })
  return cache
}

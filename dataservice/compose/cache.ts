/** What readers share in Redis, and writers tell them there. */
import { credentialFiles } from '#dataservice/contract/names.ts'
import { measureCircuits, type Observed } from '#dataservice/platform/circuit.ts'
import type { RoleContext } from '#dataservice/platform/lifecycle.ts'
import { type Cache, openCache } from '#dataservice/platform/redis/cache.ts'

/** Its circuit is measured together with the `others` of the process. */
export function sharedCache(context: RoleContext, others: Readonly<Record<string, Observed>> = {}): Cache {
  const { namespace, name, cache: address } = context.settings
  const cache = openCache({
    host: address.host,
    port: address.port,
    password: context.credential(credentialFiles.redisPassword),
    prefix: `${namespace}.${name}:`,
    log: context.log,
  })
  context.onClose('the cache', () => cache.close())
  measureCircuits(context.metrics, { ...others, cache })
  return cache
}

/** What retire works on. */
import { loginOf, loginSetOf, database as managed } from '#dataservice/contract/names.ts'
import { aloneMark } from '#dataservice/contract/postgres-bootstrap.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { passwordCounts } from '#dataservice/platform/redis/passwords.ts'
import { start as startRetire } from '#dataservice/retire/role.ts'
import { redisAddress } from './redis-address.ts'
import { connectTo } from './store.ts'

export const start = (context: RoleContext, environment: Environment): Promise<Running> => {
  const { turn } = environment
  const { primary: address, users } = context.settings.store
  const database = connectTo({ address, user: 'owner', poolSize: 1 }, context, environment)
  const before = loginSetOf(turn - 1)
  const isOurs = context.settings.cache.access === undefined
  return startRetire(context, {
    database,
    retired: Object.values(users).map(user => loginOf(user, before)),
    replication: { role: managed.replication, mark: aloneMark(turn) },
    ...(isOurs && { passwordsOfCaches: () => passwordCounts(redisAddress(context, environment)) }),
  })
}

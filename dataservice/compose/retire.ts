/** What retire works on. */
import { loginOf, loginSets } from '#dataservice/contract/names.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { start as startRetire } from '#dataservice/retire/role.ts'
import { connectTo } from './store.ts'

export const start = (context: RoleContext, environment: Environment): Promise<Running> => {
  const { primary: address, users } = context.settings.store
  const database = connectTo({ address, user: 'owner', poolSize: 1 }, context, environment)
  const others = loginSets.filter(set => set !== environment.loginSet)
  const retired = others.flatMap(set => Object.values(users).map(user => loginOf(user, set)))
  return startRetire(context, { database, retired })
}

/** What maintain works on. */
import { start as startMaintain } from '#dataservice/maintain/role.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { connectTo } from './store.ts'

export const start = (context: RoleContext, environment: Environment): Promise<Running> => {
  const { primary: address } = context.settings.store
  const database = connectTo({ address, user: 'owner', poolSize: 1 }, context, environment)
  return startMaintain(context, { database })
}

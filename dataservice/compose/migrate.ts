/** What migrate works on. */
import { start as startMigrate } from '#dataservice/migrate/role.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { connect } from './store.ts'

export const start = (context: RoleContext): Promise<Running> =>
  startMigrate(context, { database: connect(context, 'owner', 1) })

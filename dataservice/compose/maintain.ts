/** What maintain works on. */
import { start as startMaintain } from '#dataservice/maintain/role.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { connect } from './store.ts'

export const start = (context: RoleContext): Promise<Running> =>
  startMaintain(context, { database: connect(context, 'owner', 1) })

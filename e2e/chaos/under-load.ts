/** What most suites are: harm is done while records come in, then the oracle judges. */
import { openRoleStack, type RoleStack, type StackOptions } from '#e2e/scenarios/open-role-stack.ts'
import { type ServingRoles, serve } from '#e2e/scenarios/role-faults.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { type Figure, told } from './figures.ts'
import { type Load, startLoad } from './load.ts'
import type { SuiteContext } from './suite.ts'
import { positions, settle } from './verdict.ts'

export interface UnderLoad {
  stack?: StackOptions
  /** Default 1. */
  writers?: number
  /** Records. Default 300. */
  perSecond?: number
}

export interface Scene extends SuiteContext {
  world: RoleStack
  roles: ServingRoles
  load: Load
}

/** Brings up a stack and a load, calls `harm`, ends the load and lets the oracle judge. */
export async function underLoad(
  context: SuiteContext,
  { stack = {}, writers = 1, perSecond = 300 }: UnderLoad,
  harm: (scene: Scene) => Promise<readonly Figure[]>,
): Promise<readonly Figure[]> {
  const { chance, say } = context
  const world = await openRoleStack(context.resources, stack)
  const roles = await serve(world, writers)
  const load = startLoad({ url: world.gatewayUrl, chance: chance.of('load'), perSecond })
  const broke = load.done.then(() => new Promise<never>(() => {}))
  const figures = await Promise.race([harm({ ...context, world, roles, load }), broke]).finally(load.stop)
  await load.done
  const { figures: settled } = await settle(world, load.evidence(), { say })
  return [
    ...figures,
    told('records accepted', load.accepted()),
    told('requests that were not accepted at first', load.setbacks()),
    ...settled,
  ]
}

/** Waits until the writers store something that they had not. */
export async function untilStoring({ world }: Pick<Scene, 'world'>, withinMs = 60_000): Promise<void> {
  const owner = world.database.open('owner')
  try {
    const before = String(await settledIn(withinMs, () => positions(owner, world)))
    await settledIn(withinMs, async () => {
      if (String(await positions(owner, world)) === before) throw new Error(`still at ${before}`)
    })
  } finally {
    await owner.close()
  }
}

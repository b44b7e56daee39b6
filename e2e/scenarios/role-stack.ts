/** A role stack that goes when its test has finished. */
import { onTestFinished } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import { openRoleStack, type RoleStack } from './open-role-stack.ts'

export { type RoleStack, ready } from './open-role-stack.ts'

/** Engines that a test may kill, and how to start each role. `changes` overrides settings. */
export async function roleStack(changes: Partial<Settings> = {}): Promise<RoleStack> {
  const resources = new AsyncDisposableStack()
  onTestFinished(() => resources.disposeAsync())
  return openRoleStack(resources, { changes })
}

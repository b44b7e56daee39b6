/** What cannot be asked of a Postgres that CloudNativePG runs. */
import { expect, test } from 'vitest'
import type { DataServiceClassSpec } from '#crds/v1alpha1/class.ts'
import { ofClass } from '#operator/testing/class.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf, upAndRunning } from '#operator/testing/world.ts'

const delegated = (cloudNativePG: object = {}): DataServiceClassSpec => ({ postgres: { cloudNativePG } })

/** All is well with the one class; then the other one holds. */
function following(before: DataServiceClassSpec, after: DataServiceClassSpec, spec = {}) {
  const calm = upAndRunning(dataService(), undefined, ofClass(before))
  const { providers } = factsOf(calm).target.effective
  const owner = { ...dataService(withSpec(spec)), status: { providers } }
  return factsOf({ ...calm, owner, choice: ofClass(after) }).block
}

test('what the class asks for may change, but for who runs it and on which storage', () => {
  const before = delegated({ instances: 2, storage: { className: 'fast' } })
  expect(
    following(before, delegated({ instances: 3, storage: { className: 'fast', size: '50Gi' } })),
  ).toBeUndefined()
  expect(following(before, {})).toMatchObject({ reason: 'ProviderChanged' })
  expect(following({}, before)).toMatchObject({ reason: 'ProviderChanged' })
  const moved = following(before, delegated({ storage: { className: 'slow' } }))
  expect(moved).toMatchObject({ reason: 'CannotChange' })
  expect(moved?.message).toMatch(/^postgres\.cloudNativePG\.storage\.className was fast .* would become slow/)
})

test('backups of ours are refused, and CloudNativePG is named for them', () => {
  const block = following(delegated(), delegated(), { backup: { schedule: '0 3 * * *' } })
  expect(block?.reason).toBe('BackupElsewhere')
  expect(block?.message).toContain(
    'remove spec.backup, and let CloudNativePG copy it: set backup or plugins of Cluster orders-postgres',
  )
})

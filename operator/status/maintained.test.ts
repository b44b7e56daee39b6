import { expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { factsOf, only, upAndRunning } from '#operator/testing/world.ts'
import { maintained } from './maintained.ts'

const now = new Date('2026-03-10T12:00:00Z')
const byHash: Partial<DataService['spec']> = {
  record: { ...dataService().spec.record, id: '/destination' },
}
const told = (lastSuccessfulTime: string | undefined, spec: Partial<DataService['spec']> = {}) => {
  const owner = dataService()
  const changed = { ...owner, spec: { ...owner.spec, ...spec } }
  const world = upAndRunning(
    changed,
    only('CronJob', 'orders-maintain', child => ({
      ...child,
      metadata: { ...child.metadata, creationTimestamp: '2026-03-01T00:00:00Z' },
      status: lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime },
    })),
  )
  return maintained(factsOf(world), now)
}

test.each([
  ['an hour ago', '2026-03-10T11:00:00Z', 'True/RunsHourly'],
  ['two runs late', '2026-03-10T09:30:00Z', 'True/RunsHourly'],
  ['half a day ago', '2026-03-10T00:00:00Z', 'False/MaintenanceLate'],
  ['so long ago that two partitions are left', '2026-03-05T11:00:00Z', 'False/PartitionsRunOut'],
  ['never since the CronJob was made', undefined, 'False/PartitionsRunOut'],
])('succeeded %s', (_, success, said) => {
  const { status, reason } = told(success)
  expect(`${status}/${reason}`).toBe(said)
})

test('partitions by hash cannot run out', () => {
  expect(told(undefined, byHash)).toMatchObject({ status: 'False', reason: 'MaintenanceLate' })
})

test('before the CronJob there is nothing to say', () => {
  expect(maintained(factsOf({ owner: dataService() }), now)).toMatchObject({ status: 'Unknown' })
})

test('the message says since when, what follows and how to run it at once', () => {
  const { message } = told('2026-03-05T11:00:00Z')
  expect(message).toContain('since 2026-03-05T11:00:00Z')
  expect(message).toContain('2 partitions are left ahead')
  expect(message).toContain('kubectl -n shop create job --from=cronjob/orders-maintain')
})

import { expect, test } from 'vitest'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf, only, upAndRunning } from '#operator/testing/world.ts'
import { backupReady } from './backup-ready.ts'

const owner = dataService(withSpec({ backup: { schedule: '0 3 * * *' } }))
const now = new Date('2026-01-02T12:00:00Z')

const told = (...change: Parameters<typeof upAndRunning> extends [unknown, ...infer Rest] ? Rest : never) => {
  const [finding] = backupReady(factsOf(upAndRunning(owner, ...change)), now)
  return `${finding?.status}/${finding?.reason}`
}
const ofCronJob = (status: Record<string, string>) =>
  only('CronJob', 'orders-backup', child => ({ ...child, status }))

test('nothing is said where no backups are wanted', () => {
  expect(backupReady(factsOf(upAndRunning(dataService())), now)).toEqual([])
})

test.each([
  ['True/Archiving', {}],
  [
    'True/Archiving',
    { lastScheduleTime: '2026-01-02T03:00:00Z', lastSuccessfulTime: '2026-01-02T03:04:00Z' },
  ],
  [
    'True/Archiving',
    { lastScheduleTime: '2026-01-02T11:00:00Z', lastSuccessfulTime: '2026-01-01T03:04:00Z' },
  ],
  [
    'False/BackupLate',
    { lastScheduleTime: '2026-01-02T03:00:00Z', lastSuccessfulTime: '2026-01-01T03:04:00Z' },
  ],
  ['False/BackupLate', { lastScheduleTime: '2026-01-02T03:00:00Z' }],
])('%s with %o', (verdict, status) => {
  expect(told(ofCronJob(status))).toBe(verdict)
})

test('an archive that is not ready is told, and why', () => {
  const unready = only('StatefulSet', 'orders-backup', child => ({
    ...child,
    status: { ...child.status, readyReplicas: 0 },
  }))
  expect(told(unready)).toBe('False/NotArchiving')
})

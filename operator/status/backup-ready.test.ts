import { expect, test } from 'vitest'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { pod, waiting } from '#operator/testing/pods.ts'
import { factsOf, only, upAndRunning } from '#operator/testing/world.ts'
import { backupReady } from './backup-ready.ts'

const owner = dataService(withSpec({ backup: { schedule: '0 3 * * *' } }))
const now = new Date('2026-01-02T12:00:00Z')

type CronStatus = Partial<Record<'lastScheduleTime' | 'lastSuccessfulTime', string>>

const ofCronJob = (status: CronStatus) =>
  only('CronJob', 'orders-backup', ({ metadata, ...child }) => ({
    ...child,
    metadata: { ...metadata, creationTimestamp: '2026-01-01T12:00:00Z' },
    status,
  }))

const told = (change: Parameters<typeof upAndRunning>[1], service = owner, postgresSince?: string) => {
  const pods =
    postgresSince === undefined
      ? []
      : [pod({ owner: 'postgres', name: 'orders-postgres-0', created: postgresSince })]
  const [finding] = backupReady(factsOf({ ...upAndRunning(service, change), pods }), now)
  return `${finding?.status}/${finding?.reason}`
}

test('nothing is said where no backups are wanted', () => {
  expect(backupReady(factsOf(upAndRunning(dataService())), now)).toEqual([])
})

test.each<[string, string, string, CronStatus]>([
  ['one was due, less than six hours ago', '0 7 * * *', 'True/Archiving', {}],
  ['one was due long ago', '0 3 * * *', 'False/BackupLate', {}],
  [
    'the last one succeeded',
    '0 3 * * *',
    'True/Archiving',
    { lastScheduleTime: '2026-01-02T03:00:00Z', lastSuccessfulTime: '2026-01-02T03:04:00Z' },
  ],
  [
    'the last one did not',
    '0 3 * * *',
    'False/BackupLate',
    { lastScheduleTime: '2026-01-02T03:00:00Z', lastSuccessfulTime: '2026-01-01T03:04:00Z' },
  ],
  [
    'none has for days, and one was tried an hour ago',
    '0 */6 * * *',
    'False/BackupLate',
    { lastScheduleTime: '2026-01-02T11:00:00Z', lastSuccessfulTime: '2025-12-28T12:03:00Z' },
  ],
  [
    'last night did not, and this one was due an hour ago',
    '0 11 * * *',
    'False/BackupLate',
    { lastScheduleTime: '2026-01-02T11:00:00Z', lastSuccessfulTime: '2025-12-31T11:04:00Z' },
  ],
  ['it is not due again yet', '0 3 1 * *', 'True/Archiving', { lastSuccessfulTime: '2026-01-01T03:04:00Z' }],
])('of copies by schedule: %s', (_, schedule, verdict, status) => {
  expect(told(ofCronJob(status), dataService(withSpec({ backup: { schedule } })))).toBe(verdict)
})

test.each([
  ['True/Archiving', '2026-01-02T03:01:00Z'],
  ['False/BackupLate', '2026-01-02T02:59:00Z'],
])('what was due while it slept is not missed: %s with Postgres awake since %s', (verdict, since) => {
  expect(told(ofCronJob({ lastSuccessfulTime: '2025-06-01T03:04:00Z' }), owner, since)).toBe(verdict)
})

test('an archive that is not ready is told, and why', () => {
  const unready = only('StatefulSet', 'orders-backup', child => ({
    ...child,
    status: { ...child.status, readyReplicas: 0 },
  }))
  expect(told(unready)).toBe('False/NotArchiving')
})

const stored = dataService(
  withSpec({
    backup: { s3: { bucket: 'copies', endpoint: 'https://s3.test', secretRef: { name: 'keys' } } },
  }),
)
const away = only('StatefulSet', 'orders-backup-s3', child => ({
  ...child,
  status: { ...child.status, readyReplicas: 0 },
}))

test('a store that has everything is named', () => {
  const [finding] = backupReady(factsOf(upAndRunning(stored)), now)
  expect(finding).toMatchObject({
    status: 'True',
    message: expect.stringContaining('copied to bucket copies at https://s3.test, prefix shop/orders;'),
  })
})

test.each([
  [
    'StoreForeign',
    { mirror: { reason: 'StoreForeign', text: 'of another' } },
    /^of another\. .*on the volume/,
  ],
  [
    'StoreBehind',
    {},
    /^bucket copies at https:\/\/s3\.test is not written now; kubectl -n shop logs orders-backup-s3-0/,
  ],
] as const)('%s: a store that has not, and that archiving goes on', (reason, more, message) => {
  const [finding] = backupReady(factsOf({ ...upAndRunning(stored, away), ...more }), now)
  expect(finding).toMatchObject({ status: 'False', reason, message: expect.stringMatching(message) })
})

test('the Secret of the store that is missing is told by its field', () => {
  const { metadata, ...stuck } = pod({
    owner: 'backup-s3',
    name: 'orders-backup-s3-0',
    container: waiting('ContainerCreating'),
  })
  const event = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'e1', namespace: 'shop' },
    regarding: { uid: 'uid-1' },
    reason: 'FailedMount',
    note: 'MountVolume.SetUp failed for volume "s3-access" : secret "keys" not found',
    deprecatedLastTimestamp: '2026-01-01T00:00:01Z',
  }
  const pods = [{ ...stuck, metadata: { ...metadata, uid: 'uid-1' } }]
  const [finding] = backupReady(factsOf({ ...upAndRunning(stored, away), pods, events: [event] }), now)
  expect(finding).toMatchObject({
    reason: 'SecretMissing',
    message: expect.stringContaining('correct spec.backup.s3.secretRef'),
  })
})

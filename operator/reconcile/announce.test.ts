import { expect, test } from 'vitest'
import type { Condition, DataServiceStatus } from '#crds/v1alpha1/status.ts'
import { InMemoryCluster } from '#operator/cluster/in-memory.ts'
import { silentLog } from '#operator/cluster/log.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { announcer } from './announce.ts'

const condition = (
  type: Condition['type'],
  status: Condition['status'],
  reason: Condition['reason'],
  message = '',
) => ({
  type,
  status,
  reason,
  message,
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
})
const statusOf = (...conditions: Condition[]): DataServiceStatus => ({ conditions })
const creating = statusOf(condition('Ready', 'False', 'Creating', 'on its way'))
const ready = statusOf(condition('Ready', 'True', 'Ready', 'all there'))
const crashing = statusOf(
  condition('Ready', 'False', 'Crashing', 'LogReady: it ended'),
  condition('LogReady', 'False', 'Crashing'),
)

type SeenEvent = KubernetesObject & { reason: string; type: string; note: string }

function announcing() {
  const cluster = new InMemoryCluster()
  const clock = { ms: 0 }
  const announce = announcer({ cluster, log: silentLog, monotonicMs: () => clock.ms, now: () => new Date(0) })
  return {
    cluster,
    clock,
    move: (before: DataServiceStatus, after: DataServiceStatus) =>
      announce.changes(
        dataService(service => ({ ...service, status: before })),
        after,
      ),
    told: async () => (await cluster.list<SeenEvent>('Event')).map(({ type, reason }) => `${type}/${reason}`),
  }
}

test('each change of Ready is told once, trouble as a warning, and parts are not told beside it', async () => {
  const { move, told } = announcing()
  await move({}, creating)
  await move(creating, crashing)
  await move(crashing, ready)
  expect(await told()).toEqual(['Normal/Creating', 'Warning/Crashing', 'Normal/Ready'])
})

test('nothing is told when only the message moves', async () => {
  const { move, told } = announcing()
  await move(ready, statusOf(condition('Ready', 'True', 'Ready', 'still all there')))
  expect(await told()).toEqual([])
})

test('what flaps is told once in ten minutes', async () => {
  const { move, told, clock } = announcing()
  for (let round = 0; round < 5; round += 1) {
    await move(ready, crashing)
    await move(crashing, ready)
  }
  expect(await told()).toEqual(['Warning/Crashing', 'Normal/Ready'])
  clock.ms = 600_000
  await move(ready, crashing)
  expect(await told()).toHaveLength(3)
})

test('an event that cannot be written fails nothing', async () => {
  const { move, told, cluster } = announcing()
  cluster.failWrite(1)
  await move({}, crashing)
  expect(await told()).toEqual([])
})

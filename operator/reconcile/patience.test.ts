/** Which statuses wait a moment before they are written, and which never do. */
import { expect, test } from 'vitest'
import type { ConditionType, RootReason } from '#crds/v1alpha1/conditions.ts'
import type { Condition, DataServiceStatus } from '#crds/v1alpha1/status.ts'
import { patience } from './patience.ts'

type Told = [ConditionType, Condition['status'], RootReason]

const statusOf = (conditions: readonly Told[], more: DataServiceStatus = {}): DataServiceStatus => ({
  observedGeneration: 1,
  ...more,
  conditions: conditions.map(([type, status, reason], index) => ({
    type,
    status,
    reason,
    message: 'as it is',
    lastTransitionTime: new Date(index * 1000).toISOString(),
    observedGeneration: 1,
  })),
})

const creating: Told[] = [
  ['Ready', 'False', 'Creating'],
  ['LogReady', 'False', 'Creating'],
]
const migrating: Told[] = [
  ['Ready', 'False', 'Migrating'],
  ['LogReady', 'True', 'Ready'],
]
const topics: Told[] = [
  ['Ready', 'False', 'TopicsPending'],
  ['LogReady', 'True', 'Ready'],
]
const key = 'shop/orders'

test.each<[string, DataServiceStatus | undefined, DataServiceStatus]>([
  ['the first', undefined, statusOf(creating)],
  [
    'that it is ready',
    statusOf(migrating),
    statusOf([
      ['Ready', 'True', 'Ready'],
      ['LogReady', 'True', 'Ready'],
    ]),
  ],
  [
    'that it is not ready any more',
    statusOf([
      ['Ready', 'True', 'Ready'],
      ['LogReady', 'True', 'Ready'],
    ]),
    statusOf(migrating),
  ],
  [
    'trouble',
    statusOf(creating),
    statusOf([
      ['Ready', 'False', 'EngineUnreachable'],
      ['LogReady', 'True', 'Ready'],
    ]),
  ],
  [
    'what a user must do',
    statusOf(creating),
    statusOf([
      ['Ready', 'False', 'KafkaBrokerImageMissing'],
      ['LogReady', 'False', 'ImageMissing'],
    ]),
  ],
  ['an answer to another spec', statusOf(creating), statusOf(migrating, { observedGeneration: 2 })],
  [
    'what the status keeps',
    statusOf(creating),
    statusOf(migrating, { hibernation: { replicas: { gateway: 3 } } }),
  ],
  [
    'that a user holds it',
    statusOf(creating),
    statusOf([...creating, ['Paused', 'True', 'PausedByAnnotation']]),
  ],
])('%s is written at once', (_what, before, after) => {
  expect(patience(() => 0).waitMs(key, before, after)).toBeUndefined()
})

test('how far it has come is written when it stands still', () => {
  let now = 0
  const { waitMs } = patience(() => now)
  expect(waitMs(key, statusOf(creating), statusOf(migrating))).toBe(2_000)
  now = 1_500
  expect(waitMs(key, statusOf(creating), statusOf(topics))).toBe(2_000)
  now = 2_500
  expect(waitMs(key, statusOf(creating), statusOf(topics))).toBe(1_000)
  now = 3_500
  expect(waitMs(key, statusOf(creating), statusOf(topics))).toBeUndefined()
})

test('and after two minutes, though it goes on moving', () => {
  let now = 0
  const { waitMs } = patience(() => now)
  const written: number[] = []
  for (; now <= 130_000; now += 1_000)
    if (waitMs(key, statusOf(creating), statusOf(now % 2_000 === 0 ? migrating : topics)) === undefined)
      written.push(now)
  expect(written[0]).toBe(120_000)
})

test('what was written begins anew', () => {
  let now = 0
  const { waitMs, forget } = patience(() => now)
  waitMs(key, statusOf(creating), statusOf(migrating))
  now = 119_000
  forget(key)
  expect(waitMs(key, statusOf(creating), statusOf(migrating))).toBe(2_000)
})

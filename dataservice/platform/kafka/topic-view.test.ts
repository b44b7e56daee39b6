import { expect, test } from 'vitest'
import { newerOf, type TopicView } from './topic-view.ts'

const view = (epoch: number, broker: number, changes: Partial<TopicView> = {}): TopicView => ({
  clusterId: 'c',
  topicId: 't',
  brokers: new Map([[broker, { host: 'h', port: broker }]]),
  partitions: 1,
  replicas: 1,
  leaders: new Map([[0, { broker, epoch }]]),
  ...changes,
})

test.each([
  ['a newer leader is taken over', view(1, 1), view(2, 2), 2],
  ['an older answer does not bring an old leader back', view(2, 2), view(1, 1), 2],
  ['another topic of the same name begins anew', view(9, 1), view(0, 3, { topicId: 'u' }), 3],
])('%s', (_, known, fresh, leader) => {
  expect(newerOf(known, fresh).leaders.get(0)?.broker).toBe(leader)
})

test('a partition that lost its leader has none', () => {
  expect(newerOf(view(1, 1), view(1, 1, { leaders: new Map() })).leaders.size).toBe(0)
})

test('the address of a leader that an older answer knows is kept', () => {
  expect(newerOf(view(2, 2), view(1, 1)).brokers.get(2)).toEqual({ host: 'h', port: 2 })
})

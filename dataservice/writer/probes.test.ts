import { expect, onTestFinished, test } from 'vitest'
import { memoryTopic } from '#dataservice/platform/kafka/testing/memory-log-reader.ts'
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import type { Statement } from '#dataservice/platform/postgres/session.ts'
import { startProbes } from './probes.ts'

const now = 1_000_000

function started(mine: readonly number[] = [0, 1]) {
  const topic = memoryTopic(2)
  const stored: string[] = []
  const state = { isAway: false, mine: new Set(mine), failures: 0 }
  const probes = startProbes({
    log: topic,
    database: {
      query: async (statement: Statement | string) => {
        if (state.isAway) {
          state.failures += 1
          throw new DatabaseFailure('away', 'lost')
        }
        const { values = [] } = typeof statement === 'string' ? {} : statement
        stored.push(values.join(' '))
        return { rows: [], command: '', count: 0 }
      },
    },
    partitions: () => state.mine,
    logger: { warn: () => {} },
    now: () => now,
    idleMs: 1,
  })
  onTestFinished(() => probes.stop())
  const send = (partition: number, key: string, timestamp = now) =>
    topic.append(partition, { key, value: key, headers: {}, timestamp })
  return { topic, stored, state, send, probes }
}

test('a probe of each partition that the writer has is stored', async () => {
  const { stored, send } = started()
  send(0, 'a')
  send(1, 'b')
  await expect.poll(() => stored.toSorted()).toEqual(['0 a', '1 b'])
})

test('those of other writers are left to them, until their partition comes', async () => {
  const { stored, send, state } = started([1])
  send(0, 'theirs')
  send(1, 'ours')
  await expect.poll(() => stored).toEqual(['1 ours'])
  state.mine = new Set([0, 1])
  await expect.poll(() => stored).toEqual(['1 ours', '0 theirs'])
})

test('one that nobody waits for any more is not stored', async () => {
  const { stored, send } = started()
  send(0, 'late', now - 60_000)
  send(0, 'fresh')
  await expect.poll(() => stored).toEqual(['0 fresh'])
})

test('Postgres away is no end: the next rounds store what is still fresh, once', async () => {
  const { stored, send, state } = started()
  state.isAway = true
  send(0, 'a')
  await expect.poll(() => state.failures).toBeGreaterThan(2)
  state.isAway = false
  await expect.poll(() => stored).toEqual(['0 a'])
  send(1, 'b')
  await expect.poll(() => stored).toEqual(['0 a', '1 b'])
})

test('a topic that is made anew is read from its beginning', async () => {
  const { topic, stored, send } = started()
  send(0, 'a')
  await expect.poll(() => stored).toEqual(['0 a'])
  topic.replace()
  send(0, 'b')
  await expect.poll(() => stored).toEqual(['0 a', '0 b'])
})

import { expect, test } from 'vitest'
import { DatabaseFailure } from './failure.ts'
import { type Reads, readsWithFallback } from './reads.ts'

/** Answers its name, or fails as it is told; counts how often it was asked. */
function place(name: string) {
  const state = { failure: undefined as Error | undefined, asked: 0 }
  const reads: Reads = {
    busy: 1,
    waiting: 2,
    async query() {
      state.asked += 1
      if (state.failure) throw state.failure
      return { rows: [[name]], count: 1, command: 'SELECT' }
    },
  }
  return { state, reads }
}

function world() {
  const [replica, primary] = [place('replica'), place('primary')]
  const clock = { now: 0 }
  const away: DatabaseFailure[] = []
  const reads = readsWithFallback(replica.reads, primary.reads, {
    restMs: 100,
    now: () => clock.now,
    onAway: failure => away.push(failure),
  })
  const ask = async () => (await reads.query('SELECT 1')).rows[0]?.[0]
  return { replica: replica.state, primary: primary.state, clock, away, reads, ask }
}

test('the replica answers while it can', async () => {
  const { ask, primary } = world()
  expect(await ask()).toBe('replica')
  expect(primary.asked).toBe(0)
})

test('the primary answers for a replica that is away, which is asked again after a rest', async () => {
  const { ask, replica, clock, away } = world()
  replica.failure = new DatabaseFailure('refused', 'lost')
  expect([await ask(), await ask(), await ask()]).toEqual(['primary', 'primary', 'primary'])
  expect(replica.asked).toBe(1)
  expect(away).toHaveLength(1)
  replica.failure = undefined
  clock.now = 100
  expect(await ask()).toBe('replica')
})

test('a statement that recovery ended goes to the primary, and the replica stays in use', async () => {
  const { ask, replica, away } = world()
  replica.failure = new DatabaseFailure('conflict', 'retriable', { sqlState: '40001' })
  expect(await ask()).toBe('primary')
  replica.failure = undefined
  expect(await ask()).toBe('replica')
  expect(away).toEqual([])
})

test('a statement that was too slow is not tried twice', async () => {
  const { ask, replica, primary } = world()
  replica.failure = new DatabaseFailure('too slow', 'retriable', { sqlState: '57014' })
  await expect(ask()).rejects.toThrow('too slow')
  expect(primary.asked).toBe(0)
})

test('when both are away the failure of the primary rises', async () => {
  const { ask, replica, primary } = world()
  replica.failure = new DatabaseFailure('no replica', 'lost')
  primary.failure = new DatabaseFailure('no primary', 'lost')
  await expect(ask()).rejects.toThrow('no primary')
})

test('both count', () => {
  const { reads } = world()
  expect([reads.busy, reads.waiting]).toEqual([2, 4])
})

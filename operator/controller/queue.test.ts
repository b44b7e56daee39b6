import { describe, expect, test } from 'vitest'
import { createQueue } from './queue.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { done, failed, queueWorld, settled } from './testing/queue-world.ts'

describe('what runs', () => {
  test('keys wait until work begins, and repeats are merged', async () => {
    const { queue, starts, start } = queueWorld({ started: false })
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
    start()
    await settled()
    expect(starts).toEqual(['a', 'b'])
  })

  test('a key never runs twice at once: added while it runs, it runs once more afterwards', async () => {
    const { queue, starts, end } = queueWorld()
    queue.add('a')
    await settled()
    queue.add('a')
    queue.add('a')
    await settled()
    expect(starts).toEqual(['a'])
    await end('a', done)
    expect(starts).toEqual(['a', 'a'])
    await end('a', done)
    expect(starts).toEqual(['a', 'a'])
  })

  test('no more runs at once than workers, and keys are served in the order they came', async () => {
    const { queue, running, end } = queueWorld({ workers: 2 })
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key)
    await settled()
    const keys = () => running.map(({ key }) => key)
    expect(keys()).toEqual(['a', 'b'])
    queue.add('b')
    await end('b', done)
    expect(keys()).toEqual(['a', 'c'])
    await end('a', done)
    await end('c', done)
    expect(keys()).toEqual(['d', 'b'])
  })

  test('who waits for a key does not wait for those that are only looked at again, but for every fourth', async () => {
    const { queue, starts, running, start } = queueWorld({ workers: 1, started: false })
    for (const key of ['r1', 'r2', 'r3', 'moved']) queue.addCalmly(key)
    for (const key of ['a', 'b', 'c', 'd', 'moved']) queue.add(key)
    queue.addCalmly('a')
    start()
    await settled()
    while (running.length > 0) await running[0]?.end(done)
    expect(starts).toEqual(['a', 'b', 'c', 'r1', 'd', 'moved', 'r2', 'r3'])
  })

  test('what the work adds while it begins does not raise the number of workers', async () => {
    const clock = new FakeClock()
    const queue = createQueue({ workers: 1, clock, random: () => 1 })
    let most = 0
    let now = 0
    queue.start(async key => {
      now += 1
      most = Math.max(most, now)
      if (key === 'a') queue.add('b')
      await settled()
      now -= 1
      return done
    })
    queue.add('a')
    for (let turn = 0; turn < 5; turn += 1) await settled()
    expect(most).toBe(1)
  })
})

describe('when it runs again', () => {
  test('a failing key waits longer and longer, up to the limit, and starts anew after a success', async () => {
    const { queue, starts, end, advance } = queueWorld()
    queue.add('a')
    await settled()
    for (const waitMs of [100, 200, 400, 800, 800]) {
      await end('a', 'rejects')
      const before = starts.length
      await advance(waitMs - 1)
      expect(starts).toHaveLength(before)
      await advance(1)
      expect(starts).toHaveLength(before + 1)
    }
    await end('a', { kind: 'done', againInMs: 1 })
    await advance(1)
    await end('a', failed)
    await advance(100)
    expect(starts).toHaveLength(8)
  })

  test('the wait that the server asked for is kept', async () => {
    const { queue, starts, end, advance } = queueWorld()
    queue.add('a')
    await settled()
    await end('a', { kind: 'failed', notBeforeMs: 5_000 })
    await advance(4_999)
    expect(starts).toHaveLength(1)
    await advance(1)
    expect(starts).toHaveLength(2)
  })

  test('an event cuts a wait short', async () => {
    const { queue, starts, end, advance } = queueWorld()
    queue.add('a')
    await settled()
    await end('a', { kind: 'failed', notBeforeMs: 5_000 })
    queue.add('a')
    await settled()
    expect(starts).toHaveLength(2)
    await end('a', done)
    await advance(10_000)
    expect(starts).toHaveLength(2)
  })

  test('a run that fails and was added meanwhile waits the shortest time, not none', async () => {
    const { queue, starts, end, advance } = queueWorld()
    queue.add('a')
    await settled()
    for (const _ of [1, 2, 3]) {
      queue.add('a')
      const before = starts.length
      await end('a', failed)
      expect(starts).toHaveLength(before)
      await advance(100)
      expect(starts).toHaveLength(before + 1)
    }
  })

  test('a failure that is not the fault of the key keeps the wait short, however often it comes', async () => {
    const { queue, starts, end, advance } = queueWorld({ maxMs: 300_000 })
    queue.add('a')
    await settled()
    for (let failures = 0; failures < 10; failures += 1) {
      await end('a', { kind: 'failed', passing: true })
      const before = starts.length
      await advance(8_000)
      expect(starts).toHaveLength(before + 1)
    }
    await end('a', failed)
    await advance(8_000)
    expect(starts).toHaveLength(11)
  })

  test('many keys that fail so spread their tries', async () => {
    const { queue, starts, end, running, advance } = queueWorld({ workers: 2_000, maxMs: 300_000 })
    const keys = Array.from({ length: 1_000 }, (_, index) => `key-${index}`)
    for (const key of keys) queue.add(key)
    for (let failures = 0; failures < 10; failures += 1) {
      await advance(30_000)
      for (const { key } of [...running]) await end(key, { kind: 'failed', passing: true })
    }
    const before = starts.length
    await advance(29_000)
    expect(starts).toHaveLength(before)
    await advance(1_000)
    expect(starts).toHaveLength(before + keys.length)
  })

  test('of several times the earliest counts', async () => {
    const { queue, starts, advance } = queueWorld()
    queue.addAfter('a', 300)
    queue.addAfter('a', 100)
    queue.addAfter('a', 200)
    await advance(100)
    expect(starts).toEqual(['a'])
    await advance(1_000)
    expect(starts).toEqual(['a'])
  })

  test('a time that comes while the key runs leads to one more run', async () => {
    const { queue, starts, end, advance } = queueWorld()
    queue.add('a')
    await settled()
    queue.addAfter('a', 10)
    await advance(10)
    expect(starts).toEqual(['a'])
    await end('a', done)
    expect(starts).toEqual(['a', 'a'])
  })
})

test('a stop waits for what runs and starts nothing more', async () => {
  const { queue, starts, end, advance, clock } = queueWorld({ workers: 1 })
  queue.add('a')
  queue.add('b')
  queue.addAfter('c', 10)
  await settled()
  let stopped = false
  const stopping = queue.stop().then(() => {
    stopped = true
  })
  await settled()
  expect(stopped).toBe(false)
  queue.add('d')
  await end('a', failed)
  await stopping
  await advance(10_000)
  expect(starts).toEqual(['a'])
  expect(clock.pending).toBe(0)
})

test('depth, waits and retries are counted', async () => {
  const { queue, counted, end, advance } = queueWorld({ workers: 1 })
  queue.add('a')
  queue.add('b')
  await advance(2_000)
  await end('a', failed)
  expect(counted).toEqual([
    ...['depth 1', 'depth 0', 'waited 0', 'depth 1', 'worked 2', 'retried', 'depth 0', 'waited 2'],
  ])
})

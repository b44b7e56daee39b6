/** What the writer relies on when it reads the log. */
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createAppender } from '../appender.ts'
import { type ConsumerOptions, createConsumer } from '../consumer.ts'
import type { LogAppender, LogConsumer } from '../port.ts'
import { type ContractCluster, record } from './contract-cluster.ts'
import { apis } from './fault-proxy.ts'
import { Recorder } from './recorder.ts'
import { until } from './topics.ts'
import { appendUnreadable } from './unreadable-batch.ts'

export function consumerContract(cluster: () => ContractCluster): void {
  test('each partition is read from the position the handler gives, inside a compressed batch too', async () => {
    const topic = await cluster().topics.create([[0], [1], [2]])
    const appender = await appenderOf(topic)
    for (const partition of [0, 1, 2]) await append(appender, partition, 0, 100)
    const recorder = new Recorder({ 0: 40n, 1: 100n })
    const { consumer } = start(topic, recorder)
    await append(appender, 1, 100, 5)
    await until(() => recorder.keys(0).length === 60 && recorder.keys(1).length === 5)
    expect(recorder.keys(0)).toEqual(keys(0, 40, 60))
    expect(recorder.keys(1)).toEqual(keys(1, 100, 5))
    expect(recorder.keys(2)).toEqual([]) // the handler named no position for it
    expect(await consumer.range(0)).toEqual({ start: 0n, end: 100n })
    expect((await consumer.recordAt(0, 39n))?.key?.toString()).toBe('0-39')
    expect(await consumer.recordAt(0, 100n)).toBeUndefined()
    expect(await consumer.clusterId()).toMatch(/^[\w-]{22}$/)
    await consumer.hint(new Map([[0, 77n]]))
    expect(await cluster().topics.committed(`${topic}.readers`, topic, 0)).toBe(77)
  })

  describe('a position that the log does not hold', () => {
    test.each([
      { name: 'below its start', position: 3n, range: { start: 10n, end: 20n } },
      { name: 'above its end', position: 25n, range: { start: 10n, end: 20n } },
    ])('$name is told, never jumped over; other partitions go on', async ({ position, range }) => {
      const { topics } = cluster()
      const topic = await topics.create([[0], [1]])
      const appender = await appenderOf(topic)
      await append(appender, 0, 0, 20)
      await append(appender, 1, 0, 5)
      await topics.deleteBelow(topic, 0, 10)
      const recorder = new Recorder({ 0: position, 1: 0n })
      start(topic, recorder, { truncationGraceMs: 300 })
      await until(() => recorder.outOfRanges.length > 0 && recorder.keys(1).length === 5)
      await append(appender, 0, 20, 10)
      await append(appender, 1, 5, 5)
      await until(() => recorder.keys(1).length === 10)
      expect(recorder.outOfRanges).toEqual([{ partition: 0, position, range, topic: 'same' }])
      expect(recorder.keys(0)).toEqual([])
    })

    test('is told when the topic was made anew, even where the new log holds it', async () => {
      const { topics } = cluster()
      const topic = await topics.create([[0]])
      await append(await appenderOf(topic), 0, 0, 5)
      const recorder = new Recorder({ 0: 0n })
      start(topic, recorder)
      await until(() => recorder.keys(0).length === 5)
      await topics.replace(topic)
      await append(await appenderOf(topic), 0, 0, 9)
      await until(() => recorder.outOfRanges.length === 1)
      expect(recorder.outOfRanges[0]).toMatchObject({ position: 5n, topic: 'another' })
      expect(recorder.keys(0)).toHaveLength(5)
    })

    test('is waited for when the log only lags behind for a moment', async () => {
      const topic = await cluster().topics.create([[0]])
      const appender = await appenderOf(topic)
      await append(appender, 0, 0, 5)
      const recorder = new Recorder({ 0: 8n })
      start(topic, recorder)
      await until(() => recorder.assignments.length === 1)
      await append(appender, 0, 5, 5)
      await until(() => recorder.keys(0).length === 2)
      expect(recorder.keys(0)).toEqual(keys(0, 8, 2))
    })
  })

  test('two members share the partitions, and each gives its own back before the other reads them', async () => {
    const topic = await cluster().topics.create([[0], [1], [2], [0]])
    const appender = await appenderOf(topic)
    const timeline: string[] = []
    const positions = { 0: 0n, 1: 0n, 2: 0n, 3: 0n }
    const first = new Recorder(positions, event => timeline.push(`first ${event}`))
    const second = new Recorder(positions, event => timeline.push(`second ${event}`))
    start(topic, first)
    await until(() => first.current.length === 4)
    const { consumer } = start(topic, second)
    await until(() => first.current.length === 2 && second.current.length === 2)
    expect([...first.current, ...second.current].sort()).toEqual([0, 1, 2, 3])
    expect(timeline).toEqual([
      'first assigned 0,1,2,3',
      'first revoked',
      expect.any(String),
      expect.any(String),
    ])
    for (const partition of [0, 1, 2, 3]) await append(appender, partition, 0, 10)
    await until(() => first.count + second.count === 40)
    await consumer.stop()
    await until(() => first.current.length === 4)
    expect(timeline.at(-1)).toBe('first assigned 0,1,2,3')
    expect(timeline).toContain('second revoked')
  })

  test('nothing is handed over after revoked, not even what was fetched ahead', async () => {
    const topic = await cluster().topics.create([[0], [1]])
    const appender = await appenderOf(topic)
    const recorder = new Recorder({ 0: 0n, 1: 0n })
    const gate = recorder.holdAt(0)
    start(topic, recorder, { maxFetchBytes: 1000 })
    for (let at = 0; at < 100; at += 20) await append(appender, 0, at, 20)
    await until(() => recorder.calls(0) === 1)
    start(topic, new Recorder({ 0: 0n, 1: 0n }))
    await until(() => recorder.revocations === 1)
    const calls = recorder.calls(0)
    gate.open()
    await until(() => recorder.assignments.length === 2)
    expect(recorder.callsOf(0, 0)).toBe(calls)
    expect(recorder.overlaps).toBe(0)
  })

  test('a handler that is busy with one partition bounds what is fetched of it, and holds up no other', async () => {
    const { proxy, topics } = cluster()
    const topic = await topics.create([[0], [1]])
    const appender = await appenderOf(topic)
    for (let at = 0; at < 2000; at += 100) await append(appender, 0, at, 100)
    let fetches = 0
    proxy.intercept(({ broker, api, direction }) => {
      if (broker === 0 && api === apis.fetch && direction === 'request') fetches++
      return 'pass'
    })
    const recorder = new Recorder({ 0: 0n, 1: 0n })
    const gate = recorder.holdAt(0)
    start(topic, recorder, { maxFetchBytes: 2000 })
    await until(() => recorder.calls(0) === 1)
    for (let at = 0; at < 30; at += 10) {
      await append(appender, 1, at, 10)
      await until(() => recorder.keys(1).length === at + 10)
    }
    expect(recorder.calls(0)).toBe(1)
    expect(fetches).toBeLessThanOrEqual(2)
    gate.open()
    await until(() => recorder.keys(0).length === 2000)
    expect(recorder.keys(0)).toEqual(keys(0, 0, 2000))
    expect(recorder.overlaps).toBe(0)
  })

  test('records that were packed well come in portions of some MiB, not all that a fetch unpacks to', async () => {
    const topic = await cluster().topics.create([[0]])
    const appender = await appenderOf(topic)
    const value = 'x'.repeat(900_000)
    for (const key of keys(0, 0, 30)) await appender.append(new Map([[0, [record(key, value)]]]))
    const recorder = new Recorder({ 0: 0n })
    start(topic, recorder)
    await until(() => recorder.keys(0).length === 30)
    expect(recorder.keys(0)).toEqual(keys(0, 0, 30))
    expect(recorder.largestCall).toBeLessThanOrEqual(5)
  })

  test('a batch that nobody can read is told, after what stands before it; other partitions go on', async () => {
    const topic = await cluster().topics.create([[0], [1]])
    const appender = await appenderOf(topic)
    await append(appender, 0, 0, 10)
    await appendUnreadable(cluster().proxy.bootstrapServers, topic)
    await append(appender, 0, 11, 10)
    const recorder = new Recorder({ 0: 0n, 1: 0n })
    start(topic, recorder)
    await until(() => recorder.unreadables.length === 1)
    await append(appender, 1, 0, 5)
    await until(() => recorder.keys(1).length === 5)
    expect(recorder.keys(0)).toEqual(keys(0, 0, 10))
    const reason = 'the batch of the offsets 10 to 10 of partition 0 unpacks to more than 67108864 bytes'
    expect(recorder.unreadables).toEqual([{ partition: 0, position: 10n, reason }])
  })

  test('a handler that fails ends run with its reason, and the group is left', async () => {
    const topic = await cluster().topics.create([[0]])
    await append(await appenderOf(topic), 0, 0, 1)
    const recorder = new Recorder({ 0: 0n })
    recorder.failWith(new Error('the store is gone'))
    const { running } = start(topic, recorder)
    await expect(running).rejects.toThrow('the store is gone')
    expect(recorder.revocations).toBe(1)
    const next = new Recorder({ 0: 0n })
    start(topic, next)
    await until(() => next.keys(0).length === 1, 5000) // sooner than the session of the first would have ended
  })

  test('a member that the coordinator cannot hear gives its partitions back before they are given away', async () => {
    const { proxy, topics } = cluster()
    const topic = await topics.create([[0]])
    const recorder = new Recorder({ 0: 0n })
    start(topic, recorder, { sessionTimeoutMs: 3000 })
    await until(() => recorder.current.length === 1)
    proxy.intercept(({ api }) => (api === apis.heartbeat ? 'cut' : 'pass'))
    const started = performance.now()
    await until(() => recorder.revocations === 1)
    expect(performance.now() - started).toBeLessThan(6000) // 3 s and a heartbeat on an idle machine
    proxy.intercept()
    await until(() => recorder.current.length === 1)
  })

  test('a member that is stopped while it looks for its group never joins it', async () => {
    const { proxy, topics } = cluster()
    const topic = await topics.create([[0]])
    const earlier = new Recorder({ 0: 0n })
    start(topic, earlier)
    await until(() => earlier.assignments.length === 1) // the brokers look after groups by now
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<'pass'>()]
    let joins = 0
    proxy.intercept(({ api, direction }) => {
      if (api === apis.joinGroup && direction === 'request') joins += 1
      if (api !== apis.findCoordinator || direction === 'request') return 'pass'
      asked.resolve()
      return answer.promise
    })
    const recorder = new Recorder({ 0: 0n })
    const { consumer } = start(topic, recorder, { group: `${topic}.others` })
    await asked.promise
    const stopped = consumer.stop()
    answer.resolve('pass')
    await stopped
    expect([joins, recorder.assignments]).toEqual([0, []])
  })

  test('a broker killed under load costs no acknowledged record and leaves no gap', async () => {
    const { kafka, topics, proxy } = cluster()
    const topic = await topics.create([
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
    ])
    const recorder = new Recorder({ 0: 0n, 1: 0n, 2: 0n })
    start(topic, recorder, { brokers: proxy.bootstrapServers })
    const appender = await appenderOf(topic)
    const acknowledged: string[] = []
    let isOver = false
    const load = [0, 1, 2].map(async partition => {
      for (let at = 0; !isOver; at += 10) {
        const isIn = (await appender.append(new Map([[partition, batch(partition, at, 10)]]))).get(partition)
        if (isIn?.kind === 'appended') acknowledged.push(...keys(partition, at, 10))
        await wait(5)
      }
    })
    await until(() => recorder.count > 300)
    const broker = kafka.brokers[1]
    await broker?.kill('SIGKILL')
    const seen = recorder.keys(1).length
    await until(() => recorder.keys(1).length > seen + 200)
    await broker?.start()
    isOver = true
    await Promise.all(load)
    await until(async () => {
      const total = (await topics.counts(topic)).reduce((sum, count) => sum + count)
      return recorder.distinct === total
    })
    expect(recorder.gaps).toEqual([])
    expect(acknowledged.filter(key => !recorder.hasKey(key))).toEqual([])
  })

  function start(topic: string, recorder: Recorder, options: Partial<ConsumerOptions> = {}) {
    const brokers = cluster().proxy.bootstrapServers
    const consumer = createConsumer({
      brokers,
      topic,
      group: `${topic}.readers`,
      clientId: 'reader',
      ...options,
    })
    const running = consumer.run(recorder)
    running.catch(() => {}) // the test that expects a failure awaits it
    onTestFinished(() => consumer.stop())
    return { consumer, running } satisfies { consumer: LogConsumer; running: Promise<void> }
  }

  async function appenderOf(topic: string): Promise<LogAppender> {
    const appender = await createAppender({
      brokers: cluster().proxy.bootstrapServers,
      topic,
      clientId: 'writer',
    })
    onTestFinished(() => appender.close())
    return appender
  }
}

const keys = (partition: number, from: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${partition}-${from + n}`)

const batch = (partition: number, from: number, count: number) =>
  keys(partition, from, count).map(key => record(key, 'value '.repeat(20)))

async function append(appender: LogAppender, partition: number, from: number, count: number): Promise<void> {
  const outcomes = await appender.append(new Map([[partition, batch(partition, from, count)]]))
  expect(outcomes.get(partition)?.kind).toBe('appended')
}

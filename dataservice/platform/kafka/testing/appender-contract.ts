/**
 * The four producer rules, each in one scenario that runs twice: a plain client breaks the rule in it, ours keeps it.
 * The wire faults are exact, so both outcomes are certain.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type AppenderOptions, createAppender } from '../appender.ts'
import { batchBytes, maxBatchBytes } from '../batch-encoder.ts'
import { partitionOf } from '../partition.ts'
import type { LogAppender, NewRecord } from '../port.ts'
import { type ContractCluster, record } from './contract-cluster.ts'
import { apis, type Fate, type Frame } from './fault-proxy.ts'
import { plainClient } from './plain-client.ts'
import { until } from './topics.ts'

export function appenderContract(cluster: () => ContractCluster): void {
  describe('rule 1: the partition is decided once, by us', () => {
    const key = 'grows'
    const scenario = async () => {
      const { topics, proxy } = cluster()
      const topic = await topics.create([[0], [1], [2]])
      expect(partitionOf(Buffer.from(key), 3)).not.toBe(partitionOf(Buffer.from(key), 6))
      let isFirst = true
      proxy.intercept(async frame => {
        if (!isProduce(frame, 'answer') || !isFirst) return 'pass'
        isFirst = false
        await topics.grow(topic, 6)
        return 'cut'
      })
      return topic
    }

    test('a plain client writes a record into two partitions when the topic grows between two attempts', async () => {
      const client = await plain()
      const topic = await scenario()
      await client.send(topic, [{ key }])
      expect((await cluster().topics.counts(topic)).filter(count => count === 1)).toHaveLength(2)
    })

    test('ours writes it once, where the key belonged', async () => {
      const topic = await scenario()
      const appender = await ours(topic)
      const partition = partitionOf(Buffer.from(key), appender.partitions)
      const outcomes = await appender.append(new Map([[partition, [record(key)]]]))
      expect(outcomes.get(partition)).toEqual({ kind: 'appended', baseOffset: 0n })
      expect(await cluster().topics.counts(topic)).toEqual(
        [0, 1, 2, 3, 4, 5].map(each => (each === partition ? 1 : 0)),
      )
    })
  })

  describe('rule 2: only what an answer names with an offset is written', () => {
    /** Partition 1 moves to the broker of partition 0 while its request is on the way; the request is lost. */
    const scenario = async () => {
      const { topics, proxy } = cluster()
      const topic = await topics.create([
        [0, 2],
        [1, 0],
      ])
      let isFirst = true
      proxy.intercept(async frame => {
        if (!isProduce(frame, 'request') || frame.broker !== 1 || !isFirst) return 'pass'
        isFirst = false
        await topics.move(topic, 1, 0)
        return 'cut'
      })
      return topic
    }

    test('a plain client acknowledges a record that it never sent to the new leader', async () => {
      const client = await plain()
      const topic = await scenario()
      await client.send(topic, [
        { key: 'a', partition: 0 },
        { key: 'b', partition: 1 },
      ])
      expect(await cluster().topics.counts(topic)).toEqual([1, 0])
    })

    test('ours sends it to the new leader', async () => {
      const topic = await scenario()
      const outcomes = await (await ours(topic)).append(one(0, 1))
      expect([...outcomes.values()]).toEqual([appendedFirst, appendedFirst])
      expect(await cluster().topics.counts(topic)).toEqual([1, 1])
    })
  })

  describe('rule 3: after an unknown outcome the producer id is thrown away', () => {
    const scenario = async () => {
      const { topics, proxy } = cluster()
      const topic = await topics.create([[0]])
      proxy.intercept(frame => (isProduce(frame, 'answer') ? 'cut' : 'pass'))
      return topic
    }

    test('a plain client acknowledges a record that the broker drops as a duplicate', async () => {
      const client = await plain({ retries: 1 })
      const topic = await scenario()
      await expect(client.send(topic, [{ key: 'a', partition: 0 }])).rejects.toThrow()
      cluster().proxy.intercept()
      await client.send(topic, [{ key: 'b', partition: 0 }])
      expect(await cluster().topics.counts(topic)).toEqual([1])
    })

    test('ours says unknown, and writes the next record', async () => {
      const topic = await scenario()
      const appender = await ours(topic)
      expect((await appender.append(one(0))).get(0)?.kind).toBe('unknown')
      cluster().proxy.intercept()
      expect((await appender.append(one(0))).get(0)).toEqual({ kind: 'appended', baseOffset: 1n })
      expect(await cluster().topics.counts(topic)).toEqual([2])
    })
  })

  describe('rule 4: attempts begin within a second', () => {
    const patienceMs = 2500
    const slowMs = 1500
    const scenario = async () => {
      const { topics, proxy } = cluster()
      const topic = await topics.create([[0], [1]])
      proxy.intercept(frame => (isProduce(frame, 'request') && frame.broker === 1 ? 'cut' : 'pass'))
      return topic
    }

    test('a plain client goes on while nobody waits any more', async () => {
      const client = await plain()
      const topic = await scenario()
      const sending = client.send(topic, [{ key: 'a', partition: 1 }]).then(() => 'sent')
      const waited = new Promise(resolve => setTimeout(resolve, patienceMs, 'still trying'))
      expect(await Promise.race([sending, waited])).toBe('still trying')
      cluster().proxy.intercept()
      await sending
    })

    test('ours ends in time, and the other broker does not wait for it', async () => {
      const appender = await ours(await scenario())
      const started = performance.now()
      const good = appender
        .append(one(0))
        .then(outcomes => ({ outcomes, after: performance.now() - started }))
      const outcomes = await appender.append(one(1))
      const failedAfter = performance.now() - started
      expect(failedAfter).toBeLessThan(patienceMs)
      expect(outcomes.get(1)?.kind).toBe('unknown')
      expect((await good).outcomes.get(0)).toEqual(appendedFirst)
      expect((await good).after).toBeLessThan(failedAfter / 2)
    })

    test('a leader that waits longer than that for its followers is waited for', async () => {
      const { topics, proxy } = cluster()
      const topic = await topics.create([[0]])
      let requests = 0
      proxy.intercept(async frame => {
        if (isProduce(frame, 'request')) return ++requests === 1 ? 'cut' : 'pass'
        if (isProduce(frame, 'answer')) await pause(slowMs)
        return 'pass'
      })
      const outcomes = await (await ours(topic)).append(one(0))
      expect(outcomes.get(0)).toEqual(appendedFirst)
      expect(requests).toBe(2)
    })
  })

  test('a batch that a slow broker has is not sent again because another broker fails', async () => {
    const { topics, proxy } = cluster()
    const topic = await topics.create([[0], [1]])
    // Broker 0 has written, but its answer waits until broker 1, which loses one request, has been asked again.
    const again = Promise.withResolvers<void>()
    let requests = 0
    const askedBrokerOne = (): Fate => {
      if (++requests > 1) again.resolve()
      return requests === 1 ? 'cut' : 'pass'
    }
    proxy.intercept(async frame => {
      if (isProduce(frame, 'answer') && frame.broker === 0) await again.promise
      return isProduce(frame, 'request') && frame.broker === 1 ? askedBrokerOne() : 'pass'
    })
    const outcomes = await (await ours(topic)).append(one(0, 1))
    expect([...outcomes.values()]).toEqual([appendedFirst, appendedFirst])
    expect(await topics.counts(topic)).toEqual([1, 1])
  })

  test('a frozen broker costs the answer time and no more, and its partition goes on afterwards', async () => {
    const { topics, kafka } = cluster()
    const topic = await topics.create([[0]])
    const appender = await ours(topic, { answerTimeoutMs: 1000 })
    await kafka.brokers[0]?.kill('SIGSTOP')
    const started = performance.now()
    const frozen = await appender.append(one(0)).finally(() => kafka.brokers[0]?.kill('SIGCONT'))
    expect(performance.now() - started).toBeLessThan(5000) // 2 s on an idle machine; without the limit 10 s
    expect(frozen.get(0)?.kind).toBe('unknown')
    let next = await appender.append(one(0))
    await until(async () => {
      if (next.get(0)?.kind !== 'appended') next = await appender.append(one(0))
      return next.get(0)?.kind === 'appended'
    })
  })

  test('a batch as large as allowed is taken, compressible or not, and the clock of the brokers is known', async () => {
    const appender = await ours(await cluster().topics.create([[0]]))
    const empty = batchBytes([{ ...record('k'), value: Buffer.alloc(100_000) }]) - 100_000
    const largest = { ...record('k'), value: randomBytes(maxBatchBytes - empty) }
    expect(batchBytes([largest])).toBe(maxBatchBytes)
    expect((await appender.append(new Map([[0, [largest]]]))).get(0)).toEqual(appendedFirst)
    await until(() => appender.clockSkewMs() !== undefined)
    expect(Math.abs(appender.clockSkewMs() ?? Number.NaN)).toBeLessThan(500)
  })

  async function ours(topic: string, options: Partial<AppenderOptions> = {}): Promise<LogAppender> {
    const brokers = cluster().proxy.bootstrapServers
    const appender = await createAppender({ brokers, topic, clientId: 'ours', ...options })
    onTestFinished(() => appender.close())
    return appender
  }

  async function plain(options: { retries?: number } = {}) {
    const client = await plainClient(cluster().proxy.bootstrapServers, options)
    onTestFinished(() => client.close())
    return client
  }
}

const appendedFirst = { kind: 'appended', baseOffset: 0n }

const isProduce = ({ api, direction }: Frame, wanted: Frame['direction']): boolean =>
  api === apis.produce && direction === wanted

/** One record for each of these partitions. */
const one = (...partitions: number[]): Map<number, NewRecord[]> =>
  new Map(partitions.map(partition => [partition, [record(`p${partition}`)]]))

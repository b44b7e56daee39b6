/** What every TopicsPort does; run against the twin and against a real broker. */
import { describe, expect, test, vi } from 'vitest'
import { type Topic, topicChanges } from '#operator/desired/kafka-topics.ts'
import type { LogAddress, TopicsPort } from './port.ts'

export interface TopicsUnderTest {
  port: TopicsPort
  log: LogAddress
  /** A prefix that no other run uses. */
  prefix: string
}

export function topicsContract(start: () => TopicsUnderTest): void {
  const topic = (prefix: string, change: Partial<Topic> = {}): Topic => ({
    name: `${prefix}.events`,
    partitions: 2,
    replicationFactor: 1,
    config: { 'retention.ms': '86400000', 'cleanup.policy': 'delete' },
    ...change,
  })

  describe('topics', () => {
    test('a missing topic is created; describing it again asks for no change', async () => {
      const { port, log, prefix } = start()
      const wanted = [topic(prefix)]
      expect(await port.describe(log, [`${prefix}.events`])).toEqual([])
      await port.change(log, topicChanges(wanted, []))
      const observed = await port.describe(log, [`${prefix}.events`, `${prefix}.none`])
      expect(observed.map(({ name, partitions }) => ({ name, partitions }))).toEqual([
        { name: `${prefix}.events`, partitions: 2 },
      ])
      expect(topicChanges(wanted, observed)).toEqual([])
    })

    test('a cluster whose replicas are all in sync lacks none, and names its controller', async () => {
      const { port, log, prefix } = start()
      await port.change(log, topicChanges([topic(prefix)], []))
      expect(await port.health(log, 1)).toEqual({
        lacking: [],
        thin: [],
        misled: 0,
        controller: 0,
        voters: 1,
      })
    })

    test('leaders are elected, also where nothing is to do', async () => {
      const { port, log, prefix } = start()
      await port.change(log, topicChanges([topic(prefix)], []))
      await port.elect(log)
      expect((await port.health(log, 1)).misled).toBe(0)
    })

    test('a log that nobody wrote has room, and every broker tells its disk', async () => {
      const { port, log, prefix } = start()
      await port.change(log, topicChanges([topic(prefix)], []))
      const question = { topic: `${prefix}.events`, group: `${prefix}.writer`, retentionMs: 86_400_000 }
      // A broker that has just started looks for the coordinator of a group when it is asked the first time.
      const ask = () => port.room(log, question)
      const { lagTenths, disks } = await vi.waitFor(ask, { timeout: 30_000, interval: 200 })
      expect(lagTenths).toBe(0)
      expect(disks.map(({ broker }) => broker)).toEqual([0])
      for (const { totalBytes, usableBytes } of disks) {
        expect(usableBytes).toBeGreaterThan(0)
        expect(totalBytes).toBeGreaterThan(usableBytes)
      }
    })

    test('each partition has its end; a topic that does not exist has none', async () => {
      const { port, log, prefix } = start()
      expect(await port.ends(log, `${prefix}.events`)).toEqual(new Map())
      await port.change(log, topicChanges([topic(prefix)], []))
      // A broker tells of a topic a moment before it has it.
      await expect
        .poll(() => port.ends(log, `${prefix}.events`).catch(String), { timeout: 20_000 })
        .toEqual(
          new Map([
            [0, 0n],
            [1, 0n],
          ]),
        )
    })

    test('creating what exists already is fine', async () => {
      const { port, log, prefix } = start()
      const changes = topicChanges([topic(prefix)], [])
      await port.change(log, changes)
      await port.change(log, changes)
    })

    test('partitions grow and settings follow the wish', async () => {
      const { port, log, prefix } = start()
      await port.change(log, topicChanges([topic(prefix)], []))
      const wanted = [
        topic(prefix, { partitions: 5, config: { 'retention.ms': '3600000', 'cleanup.policy': 'delete' } }),
      ]
      await port.change(log, topicChanges(wanted, await port.describe(log, [`${prefix}.events`])))
      // A broker hears a moment later of what the controller has made.
      const seen = async () => {
        const [observed] = await port.describe(log, [`${prefix}.events`])
        return [observed?.partitions, observed?.config['retention.ms']]
      }
      await expect.poll(seen, { timeout: 30_000 }).toEqual([5, '3600000'])
    })
  })
}

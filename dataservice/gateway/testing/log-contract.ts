/** What the gateway relies on in a log that works; the real appender and its twin in memory both pass it. */
import { describe, expect, test } from 'vitest'
import { maxBatchBytes } from '#dataservice/platform/kafka/batch-encoder.ts'
import type { Acks, LogAppender, NewRecord } from '#dataservice/platform/kafka/port.ts'

const record = (value: string): NewRecord => ({
  key: Buffer.from('k'),
  value: Buffer.from(value),
  headers: {},
})

/** `make` answers a log with three empty partitions of one replica each. */
export function logContract(make: () => Promise<LogAppender>): void {
  describe('a log for the gateway', () => {
    test('gives each partition offsets without gaps, in the order of the appends', async () => {
      const log = await make()
      expect(log.partitions).toBe(3)
      const first = log.append(
        new Map([
          [0, [record('a'), record('b')]],
          [2, [record('c')]],
        ]),
      )
      const second = log.append(new Map([[0, [record('d')]]]))
      expect(await first).toEqual(
        new Map([
          [0, { kind: 'appended', baseOffset: 0n }],
          [2, { kind: 'appended', baseOffset: 0n }],
        ]),
      )
      expect(await second).toEqual(new Map([[0, { kind: 'appended', baseOffset: 2n }]]))
      await log.close()
    })

    test('with acks 1 the leader tells the offset, with 0 nobody does; all stand in order', async () => {
      const log = await make()
      expect(log.replicas).toBe(1)
      const append = async (acks: Acks) => {
        const outcome = (await log.append(new Map([[0, [record('a')]]]), acks)).get(0)
        return outcome?.kind === 'appended' ? Number(outcome.baseOffset) : outcome
      }
      expect(await append(1)).toBe(0)
      expect(await append(0)).toBe(-1)
      let own = 1
      // Nobody says when it is there; the records after it move up by one.
      await expect.poll(async () => Number(await append(1)) - own++, { timeout: 10_000 }).toBe(1)
      expect(await append('all')).toBe(own + 1)
      await log.close()
    })

    test('refuses what it can never hold, and says so for each partition', async () => {
      const log = await make()
      const tooLarge = [record('x'.repeat(maxBatchBytes))]
      const outcomes = await log.append(
        new Map([
          [0, tooLarge],
          [1, []],
          [7, [record('a')]],
          [2, [record('a')]],
        ]),
      )
      expect([...outcomes].map(([partition, { kind }]) => [partition, kind])).toEqual([
        [0, 'refused'],
        [1, 'refused'],
        [7, 'refused'],
        [2, 'appended'],
      ])
      await log.close()
    })
  })
}

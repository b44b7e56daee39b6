import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { AppendOutcome, LogAppender } from '#dataservice/platform/kafka/port.ts'
import { ChangeRelay } from './change-relay.ts'
import type { Changes } from './change-store.ts'

/** What became of an append: perhaps the topic took it although nobody said so. */
type Answer = AppendOutcome | 'taken, unknown'

/** Changes of two partitions in memory, two of a portion, and a topic that answers as it is told. */
function world(answers: Answer[] = []) {
  const stored = new Map<number, number[]>([
    [0, []],
    [1, []],
  ])
  const positions = new Map<number, bigint>()
  const asked: { partition: number; since: number }[] = []
  const told: string[] = []
  const topic: LogAppender = {
    replicas: 1,
    partitions: 1,
    clockSkewMs: () => undefined,
    logId: 'log',
    close: vi.fn(async () => {}),
    async append(batches) {
      const answer = answers.shift() ?? { kind: 'appended', baseOffset: 0n }
      if (answer === 'taken, unknown' || answer.kind === 'appended')
        told.push(...[...batches.values()].flat().map(({ value }) => String(value)))
      return new Map([[0, answer === 'taken, unknown' ? { kind: 'unknown', reason: 'no answer' } : answer]])
    },
  }
  const changes: Changes = {
    position: async partition => positions.get(partition) ?? 0n,
    async after(partition, number, since) {
      asked.push({ partition, since })
      const left = (stored.get(partition) ?? []).filter(each => BigInt(each) > number)
      const some = left.slice(0, 2).map(each => ({
        number: BigInt(each),
        record: { key: Buffer.from('k'), value: Buffer.from(`${partition}:${each}`), headers: {} },
      }))
      return { changes: some, isAll: left.length <= 2 }
    },
    moveTo: async (partition, number) => void positions.set(partition, number),
  }
  const start = () => {
    const relay = new ChangeRelay({
      changes,
      open: async () => topic,
      published: { inc: () => {} },
      log: pino({ level: 'silent' }),
      clock: { now: () => 1_000, random: () => 0 },
    })
    onTestFinished(() => relay.stop())
    return relay
  }
  const put = (partition: number, ...numbers: number[]) => stored.get(partition)?.push(...numbers)
  return { put, told, asked, positions, start, topic }
}

const row = (idTime: number) => ({
  offset: 0n,
  eventId: 'e',
  id: 'a',
  bytes: 0,
  fields: [],
  idTime,
  record: { offset: 0n, key: undefined, value: undefined, headers: new Map(), timestamp: 0 },
})

test('all changes of our partitions go to the topic in order, portion by portion, and the place is kept', async () => {
  const { put, told, positions, start } = world()
  put(0, 1, 3, 4, 8, 9)
  put(1, 2)
  const relay = start()
  relay.claimed([0])
  await vi.waitFor(() => expect(told).toEqual(['0:1', '0:3', '0:4', '0:8', '0:9']))
  await vi.waitFor(() => expect([relay.waitingMs, positions]).toEqual([0, new Map([[0, 9n]])]))
  put(0, 10)
  relay.stored(0, [row(50)])
  await vi.waitFor(() => expect(told.at(-1)).toBe('0:10'))
  relay.stored(1, [row(50)])
  await relay.stop()
  expect(told).not.toContain('1:2')
})

test.each<[string, Answer, string[]]>([
  ['refuses', { kind: 'refused', reason: 'no leader' }, ['0:1', '0:2', '0:3']],
  ['does not answer', { kind: 'unknown', reason: 'no answer' }, ['0:1', '0:2', '0:3']],
  ['takes it without a word', 'taken, unknown', ['0:1', '0:2', '0:1', '0:2', '0:3']],
])('a topic that %s is told again, from where it certainly stood', async (_, answer, expected) => {
  const { put, told, start } = world([answer])
  put(0, 1, 2, 3)
  start().claimed([0])
  await vi.waitFor(() => expect(told).toEqual(expected))
})

test('a partition that fails does not keep the others waiting', async () => {
  const { put, told, start } = world([{ kind: 'refused', reason: 'no leader' }])
  put(0, 1)
  put(1, 2)
  start().claimed([0, 1])
  await vi.waitFor(() => expect(told).toEqual(['1:2', '0:1']))
})

test('who comes next goes on where the place was kept', async () => {
  const { put, told, start } = world()
  put(0, 1)
  const first = start()
  first.claimed([0])
  await vi.waitFor(() => expect(told).toEqual(['0:1']))
  await first.stop()
  put(0, 2)
  start().claimed([0])
  await vi.waitFor(() => expect(told).toEqual(['0:1', '0:2']))
})

test('looks only as far back as what was stored since, and everywhere when that is not known', async () => {
  const { put, told, asked, start } = world()
  put(0, 1)
  const relay = start()
  relay.claimed([0])
  const next = async (number: number, tell: () => void) => {
    put(0, number)
    tell()
    await vi.waitFor(() => expect(told.at(-1)).toBe(`0:${number}`))
    return asked.at(-1)?.since
  }
  await vi.waitFor(() => expect([asked.at(-1)?.since, relay.waitingMs]).toEqual([0, 0]))
  expect(await next(2, () => relay.stored(0, [row(70), row(60)]))).toBe(60)
  expect(await next(3, () => relay.stored(0))).toBe(0)
})

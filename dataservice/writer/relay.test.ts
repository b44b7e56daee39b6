import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { batchBytes, maxBatchBytes } from '#dataservice/platform/kafka/batch-encoder.ts'
import type { AppendOutcome, LogAppender, NewRecord } from '#dataservice/platform/kafka/port.ts'
import { deadLetterHeaders } from '#dataservice/record/envelope.ts'
import { batchesOf, DeadLetterRelay } from './relay.ts'
import type { DeadLetter, DeadLetters } from './relay-store.ts'

const letter = (id: number, partition = 0, bytes = 10, headers: NewRecord['headers'] = {}): DeadLetter => ({
  id: String(id),
  partition,
  record: { key: Buffer.from('k'), value: Buffer.alloc(bytes), headers },
})

/** A relay over letters in memory and a topic that answers in turn what it is told, then takes everything. */
function relaying(waiting: DeadLetter[], answers: (AppendOutcome | Error)[] = []) {
  const appended: string[][] = []
  const closed = vi.fn(async () => {})
  const topic: LogAppender = {
    replicas: 1,
    partitions: 1,
    clockSkewMs: () => undefined,
    logId: 'log',
    close: closed,
    async append(batches) {
      const answer = answers.shift() ?? { kind: 'appended' as const, baseOffset: 0n }
      if (answer instanceof Error) throw answer
      if (answer.kind === 'appended')
        appended.push([...batches.values()].flat().map(({ headers }) => String(headers.n)))
      return new Map([[0, answer]])
    },
  }
  const letters: DeadLetters = {
    waiting: async partitions =>
      waiting.filter(({ partition }) => partitions.includes(partition)).slice(0, 2),
    count: async () => waiting.length,
    markRelayed: async ids => {
      waiting.splice(0, waiting.length, ...waiting.filter(({ id }) => !ids.includes(id)))
    },
  }
  const gauge = { set: vi.fn() }
  const relay = new DeadLetterRelay({
    letters,
    partitions: () => [0, 1],
    open: async () => topic,
    waiting: gauge,
    log: pino({ level: 'silent' }),
    clock: { random: () => 0 },
  })
  onTestFinished(() => relay.stop())
  return { relay, appended, closed, gauge, waiting }
}

const numbered = (id: number, partition = 0) => letter(id, partition, 10, { n: String(id) })

test('all letters of our partitions go to the topic, and it is closed again', async () => {
  const { relay, appended, closed, waiting, gauge } = relaying(
    [1, 2, 3].map(id => numbered(id)).concat(numbered(4, 7)),
  )
  relay.wake()
  await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1))
  expect(appended).toEqual([['1', '2'], ['3']])
  expect(waiting.map(({ id }) => id)).toEqual(['4'])
  expect(gauge.set).toHaveBeenLastCalledWith(0)
})

test.each([
  ['refuses', { kind: 'refused', reason: 'no leader' }],
  ['does not say', { kind: 'unknown', reason: 'no answer' }],
  ['fails', new Error('gone')],
] as const)('a letter stays until the topic has it when the topic %s', async (_, answer) => {
  const { relay, appended, waiting } = relaying([numbered(1)], [answer, answer])
  relay.wake()
  await vi.waitFor(() => expect(waiting).toEqual([]))
  expect(appended).toEqual([['1']])
})

test('a batch has letters of one partition and fits one append', () => {
  const letters = [
    letter(1, 0, 600_000),
    letter(2, 0, 300_000),
    letter(3, 0, 300_000),
    letter(4, 1),
    letter(5, 1),
  ]
  expect(batchesOf(letters).map(batch => batch.map(({ id }) => id))).toEqual([['1', '2'], ['3'], ['4', '5']])
})

test.each([
  ['value', letter(1, 0, maxBatchBytes, { own: 'x' }), ['own', deadLetterHeaders.value]],
  [
    'headers',
    letter(1, 0, 10, { own: Buffer.alloc(maxBatchBytes), [deadLetterHeaders.offset]: '7' }),
    [deadLetterHeaders.offset, deadLetterHeaders.value],
  ],
])('a letter whose %s is too large goes without', (_, large, headers) => {
  const [[only] = []] = batchesOf([large])
  expect(only && batchBytes([only.record])).toBeLessThan(1_000)
  expect(Object.keys(only?.record.headers ?? {})).toEqual(headers)
  expect(only?.record.headers[deadLetterHeaders.value]).toBe('too-large')
})

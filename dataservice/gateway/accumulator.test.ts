import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { batchBytes } from '#dataservice/platform/kafka/batch-encoder.ts'
import { Accumulator } from './accumulator.ts'
import type { Draft } from './entries.ts'
import { memoryLog } from './testing/memory-log.ts'

const draft = (partition: number, value = 'value'): Draft => ({
  partition,
  record: { key: Buffer.from('k'), value: Buffer.from(value), headers: {} },
})
const size = batchBytes([draft(0).record])
/** `last`: of the batch it went with. */
const appended = (partition: number, offset: bigint, last = offset) => ({
  kind: 'appended',
  partition,
  offset,
  last,
})

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('batches', () => {
  test('a record that comes alone leaves at once, those behind it keep the pace', async () => {
    const log = memoryLog({ partitions: 2 })
    const accumulator = new Accumulator({ appender: log, paceMs: 5 })
    void accumulator.append([draft(0)])
    await vi.advanceTimersByTimeAsync(1)
    expect(log.batches).toEqual([1])
    void accumulator.append([draft(0), draft(0)])
    await vi.advanceTimersByTimeAsync(3)
    void accumulator.append([draft(0), draft(1)])
    expect(log.batches).toEqual([1])
    await vi.advanceTimersByTimeAsync(1)
    expect(log.batches).toEqual([1, 3, 1])
  })

  test('records of several callers share a batch', async () => {
    const log = memoryLog({ partitions: 2 })
    const accumulator = new Accumulator({ appender: log })
    const callers = [[draft(0)], [draft(1), draft(0)], [draft(0)]].map(drafts => accumulator.append(drafts))
    await vi.advanceTimersByTimeAsync(1)
    expect(log.batches).toEqual([3, 1])
    expect(await Promise.all(callers)).toEqual([
      [appended(0, 0n, 2n)],
      [appended(1, 0n), appended(0, 1n, 2n)],
      [appended(0, 2n)],
    ])
    expect(accumulator.bytes).toBe(0)
  })

  test('a full batch does not wait', async () => {
    const log = memoryLog({ partitions: 1 })
    const accumulator = new Accumulator({ appender: log, maxRecords: 4 })
    const outcomes = accumulator.append(Array.from({ length: 9 }, () => draft(0)))
    await vi.advanceTimersByTimeAsync(0)
    expect(log.batches).toEqual([4, 4])
    await vi.advanceTimersByTimeAsync(5)
    expect(log.batches).toEqual([4, 4, 1])
    expect((await outcomes)?.at(-1)).toEqual(appended(0, 8n))
  })

  test('while one batch is on its way the next fills, and leaves when it is back', async () => {
    const log = memoryLog({ partitions: 1 })
    const answer = Promise.withResolvers<void>()
    log.hold(answer.promise)
    const accumulator = new Accumulator({ appender: log })
    const first = accumulator.append([draft(0)])
    await vi.advanceTimersByTimeAsync(1)
    const others = Array.from({ length: 5 }, () => accumulator.append([draft(0)]))
    await vi.advanceTimersByTimeAsync(100)
    expect(log.batches).toEqual([])
    answer.resolve()
    await vi.advanceTimersByTimeAsync(1)
    await Promise.all([first, ...others])
    expect(log.batches).toEqual([1, 5])
  })

  test('large records are cut into batches that the log takes', async () => {
    const log = memoryLog({ partitions: 1 })
    const accumulator = new Accumulator({ appender: log })
    const outcomes = accumulator.append(Array.from({ length: 5 }, () => draft(0, 'x'.repeat(400_000))))
    await vi.advanceTimersByTimeAsync(12)
    expect(log.batches).toEqual([2, 2, 1])
    expect((await outcomes)?.every(({ kind }) => kind === 'appended')).toBe(true)
  })

  test('a slow partition does not hold up another', async () => {
    const log = memoryLog({ partitions: 2 })
    const accumulator = new Accumulator({
      appender: { append: parts => (parts.has(0) ? new Promise(() => {}) : log.append(parts)) },
    })
    void accumulator.append([draft(0)])
    const other = accumulator.append([draft(1)])
    await vi.advanceTimersByTimeAsync(6)
    expect(await other).toEqual([appended(1, 0n)])
  })
})

describe('bounds', () => {
  test('beyond its bytes it takes nothing, and takes again once there is room', async () => {
    const log = memoryLog({ partitions: 1 })
    const answer = Promise.withResolvers<void>()
    log.hold(answer.promise)
    const accumulator = new Accumulator({ appender: log, maxBytes: 3 * size })
    const taken = accumulator.append([draft(0), draft(0)])
    expect(accumulator.append([draft(0), draft(0)])).toBeUndefined()
    expect(accumulator.bytes).toBe(2 * size)
    await vi.advanceTimersByTimeAsync(6)
    answer.resolve()
    await taken
    expect(accumulator.append([draft(0), draft(0), draft(0)])).toBeDefined()
  })

  test('at the deadline what was sent is unknown, what waits is withdrawn for certain', async () => {
    const log = memoryLog({ partitions: 1 })
    const answer = Promise.withResolvers<void>()
    log.hold(answer.promise)
    const accumulator = new Accumulator({ appender: log, deadlineMs: 1_000, maxRecords: 2 })
    const outcomes = accumulator.append(Array.from({ length: 5 }, () => draft(0)))
    await vi.advanceTimersByTimeAsync(1_030)
    expect((await outcomes)?.map(({ kind }) => kind)).toEqual([
      'unknown',
      'unknown',
      'refused',
      'refused',
      'refused',
    ])
    expect(accumulator.bytes).toBe(2 * size)
    answer.resolve()
    await accumulator.flush()
    expect(log.contents[0]).toHaveLength(2)
    expect(accumulator.bytes).toBe(0)
  })

  test('many callers that give up leave nothing behind', async () => {
    const log = memoryLog({ partitions: 1 })
    const answer = Promise.withResolvers<void>()
    log.hold(answer.promise)
    const accumulator = new Accumulator({ appender: log, deadlineMs: 1_000, maxBytes: 100_000 * size })
    const callers = Array.from({ length: 50_000 }, () => accumulator.append([draft(0)]))
    await vi.advanceTimersByTimeAsync(1_030)
    const kinds = (await Promise.all(callers)).flatMap(outcomes => outcomes?.map(({ kind }) => kind) ?? [])
    expect(kinds.filter(kind => kind === 'unknown')).toHaveLength(1_000)
    expect(kinds.filter(kind => kind === 'refused')).toHaveLength(49_000)
    expect(accumulator.bytes).toBe(1_000 * size)
    const late = accumulator.append([draft(0)])
    answer.resolve()
    await vi.advanceTimersByTimeAsync(6)
    expect(await late).toEqual([appended(0, 1_000n)])
    expect(accumulator.bytes).toBe(0)
  })
})

describe('outcomes', () => {
  test('each record gets the outcome of its own partition', async () => {
    const log = memoryLog({ partitions: 3 })
    log.decide(partition =>
      partition === 0 ? undefined : { kind: partition === 1 ? 'refused' : 'unknown', reason: 'a test' },
    )
    const accumulator = new Accumulator({ appender: log })
    const outcomes = accumulator.append([draft(2), draft(1), draft(0), draft(0)])
    await vi.advanceTimersByTimeAsync(6)
    expect((await outcomes)?.map(({ kind }) => kind)).toEqual(['unknown', 'refused', 'appended', 'appended'])
  })

  test('a batch without an outcome is unknown, never accepted', async () => {
    const accumulator = new Accumulator({ appender: { append: async () => new Map() } })
    const outcomes = accumulator.append([draft(0)])
    await vi.advanceTimersByTimeAsync(6)
    expect((await outcomes)?.[0]?.kind).toBe('unknown')
  })

  test('flush sends what waits at once and ends when all is settled', async () => {
    const log = memoryLog({ partitions: 2 })
    const accumulator = new Accumulator({ appender: log, paceMs: 1_000 })
    const outcomes = accumulator.append([draft(0), draft(1)])
    await accumulator.flush()
    expect(await outcomes).toEqual([appended(0, 0n), appended(1, 0n)])
  })
})

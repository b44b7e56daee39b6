/** What those who follow a log rely on; the real reader and its twin in memory both pass it. */
import { expect, onTestFinished, test } from 'vitest'
import type { LogReader, Offset } from '../port.ts'

export interface ReadableTopic {
  reader: LogReader
  /** Appends records with these values. */
  append(partition: number, values: readonly string[]): Promise<void>
  deleteBelow(partition: number, offset: Offset): Promise<void>
  replace(): Promise<void>
}

/** `make` answers an empty topic with one partition. */
export function logReaderContract(make: () => Promise<ReadableTopic>): void {
  const start = async () => {
    const topic = await make()
    onTestFinished(() => topic.reader.close())
    const { signal } = new AbortController()
    const { id } = await topic.reader.topic(signal)
    const read = (position: Offset, maxWaitMs = 0) =>
      topic.reader.read(0, position, { topic: id, maxBytes: 1_048_576, maxWaitMs, signal })
    const values = async (position: Offset, maxWaitMs = 0) => {
      const found = await read(position, maxWaitMs)
      if (found.kind !== 'records') return found
      return [found.records.map(({ offset, value }) => `${offset} ${value}`), found.next]
    }
    return { ...topic, signal, read, values, id }
  }

  test('reads from any offset, and does not wait at the end', async () => {
    const { append, values, reader, signal } = await start()
    expect(await values(0n)).toEqual([[], 0n])
    await append(0, ['a', 'b', 'c'])
    expect(await values(1n)).toEqual([['1 b', '2 c'], 3n])
    expect(await values(3n)).toEqual([[], 3n])
    expect(await reader.range(0, signal)).toEqual({ start: 0n, end: 3n })
    expect(await reader.topic(signal)).toMatchObject({ partitions: 1 })
  })

  test('waits for the next record when it shall', async () => {
    const { append, values } = await start()
    await append(0, ['a'])
    const waiting = values(1n, 20_000)
    await append(0, ['b'])
    expect(await waiting).toEqual([['1 b'], 2n])
  })

  test('tells that a position is not there any more, or not yet', async () => {
    const { append, values, deleteBelow } = await start()
    await append(0, ['a', 'b', 'c'])
    await deleteBelow(0, 2n)
    const range = { start: 2n, end: 3n }
    expect(await values(1n)).toEqual({ kind: 'outOfRange', range })
    expect(await values(4n)).toEqual({ kind: 'outOfRange', range })
    expect(await values(2n)).toEqual([['2 c'], 3n])
  })

  test('finds the first record since a time, else the end', async () => {
    const { append, reader, signal } = await start()
    await append(0, ['a', 'b'])
    expect(await reader.offsetSince(0, Date.now() - 3_600_000, signal)).toBe(0n)
    expect(await reader.offsetSince(0, Date.now() + 3_600_000, signal)).toBe(2n)
  })

  test('a topic made anew is another one', async () => {
    const { append, read, replace, reader, signal, id } = await start()
    await append(0, ['a'])
    await replace()
    // A client learns of it when a broker refuses the id that it knew.
    await expect.poll(() => read(0n), { timeout: 20_000 }).toEqual({ kind: 'replaced' })
    expect((await reader.topic(signal)).id).not.toBe(id)
  })

  test('ends when its signal says so', async () => {
    const { reader, id } = await start()
    const end = new AbortController()
    const options = { topic: id, maxBytes: 1, maxWaitMs: 20_000, signal: end.signal }
    const reading = reader.read(0, 0n, options)
    end.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
  })
}

/** A topic in memory: the twin of the real reader, for tests without Kafka. */
import type { LogHeaders, LogRange, LogReader, LogRecord, Offset } from '../port.ts'

export interface MemoryRecord {
  key: string | undefined
  value: string | undefined
  headers: Readonly<Record<string, string>>
  timestamp: number
}

export interface MemoryTopic extends LogReader {
  append(partition: number, record: MemoryRecord): void
  /** Deletes the records below an offset, as retention does. */
  deleteBelow(partition: number, offset: Offset): void
  /** Deletes the topic and makes it anew, empty. */
  replace(): void
  /** Records that were read, each time it was. */
  readonly recordsRead: number
}

interface Part {
  start: number
  records: LogRecord[]
}

/** `pieceRecords`: how many records one read brings. */
export function memoryTopic(partitions: number, pieceRecords = 2_000): MemoryTopic {
  const make = (): Part[] => Array.from({ length: partitions }, () => ({ start: 0, records: [] }))
  let number = 1
  let parts = make()
  let recordsRead = 0
  let changed = Promise.withResolvers<void>()
  const idOf = () => `${String(number).padStart(8, '0')}-0000-4000-8000-000000000000`
  const part = (partition: number): Part => {
    const found = parts[partition]
    if (!found) throw new Error(`no partition ${partition}`)
    return found
  }
  const rangeOf = (partition: number): LogRange => {
    const { start, records } = part(partition)
    return { start: BigInt(start), end: BigInt(records.length) }
  }
  const tell = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  return {
    get recordsRead() {
      return recordsRead
    },
    append(partition, record) {
      const { records } = part(partition)
      records.push(logRecord(BigInt(records.length), record))
      tell()
    },
    deleteBelow(partition, offset) {
      part(partition).start = Number(offset)
    },
    replace() {
      number += 1
      parts = make()
      tell()
    },
    topic: async () => ({ id: idOf(), partitions }),
    range: async partition => rangeOf(partition),
    async offsetSince(partition, time) {
      const { start, records } = part(partition)
      return records.slice(start).find(({ timestamp }) => timestamp >= time)?.offset ?? BigInt(records.length)
    },
    async read(partition, position, { topic, maxWaitMs, signal }) {
      for (let isFirst = true; ; isFirst = false) {
        signal.throwIfAborted()
        if (topic !== idOf()) return { kind: 'replaced' }
        const range = rangeOf(partition)
        if (position < range.start || position > range.end) return { kind: 'outOfRange', range }
        const records = part(partition).records.slice(Number(position), Number(position) + pieceRecords)
        const next = position + BigInt(records.length)
        recordsRead += records.length
        if (records.length > 0 || maxWaitMs === 0 || !isFirst) return { kind: 'records', records, next }
        await waited(changed.promise, maxWaitMs, signal)
      }
    },
    close: async () => {},
  }
}

/** Until something changed, the time is over, or the signal says so. */
function waited(changed: Promise<void>, maxWaitMs: number, signal: AbortSignal): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, maxWaitMs)
  signal.addEventListener('abort', () => resolve(), { once: true })
  return Promise.race([changed, promise]).finally(() => clearTimeout(timer))
}

function logRecord(offset: Offset, { key, value, headers, timestamp }: MemoryRecord): LogRecord {
  return {
    offset,
    key: key === undefined ? undefined : Buffer.from(key),
    value: value === undefined ? undefined : Buffer.from(value),
    headers: headersOf(headers),
    timestamp,
  }
}

function headersOf(headers: Readonly<Record<string, string>>): LogHeaders {
  const all = new Map(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]))
  return { size: all.size, get: name => all.get(name), entries: () => all.entries() }
}

import { createRecordsBatch, type MessageRecord, Reader, readRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchBytes, type EncodedBatch, encodeBatch, setSequence, sharedHeaders } from './batch-encoder.ts'
import { Batches } from './batches.ts'
import type { LogRecord, NewRecord, Offset } from './port.ts'
import { BatchTooLarge, BatchUnreadable, maxUnpackedBytes } from './unpack.ts'

const now = 1_763_000_000_000
const sequence = { producerId: 77n, producerEpoch: 1, first: 5 }

const newRecord = (value: string, headers: NewRecord['headers'] = {}): NewRecord => ({
  key: Buffer.from('key'),
  value: Buffer.from(value),
  headers,
})

/** The bytes as a broker keeps them: with a base offset and its own epoch, which the checksum does not cover. */
function stored({ bytes }: EncodedBatch, offset: bigint, leaderEpoch = 3): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeBigInt64BE(offset, 0)
  copy.writeInt32BE(leaderEpoch, 12)
  return copy
}

function encoded(records: readonly NewRecord[]): EncodedBatch {
  const batch = encodeBatch(records, now)
  setSequence(batch, sequence)
  return batch
}

const batchesOf = (bytes: Buffer, position: Offset) => new Batches({ bytes, partition: 3, position })

/** All that is in the bytes, at once. */
function decodeBatches(bytes: Buffer, position: Offset) {
  const batches = batchesOf(bytes, position)
  return {
    records: batches.take(Number.POSITIVE_INFINITY),
    next: batches.next,
    leaderEpoch: batches.leaderEpoch,
  }
}

const offsets = (records: readonly LogRecord[]) => records.map(({ offset }) => Number(offset))

const anyHeaders = fc.dictionary(
  fc.string(),
  fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array().map(b => Buffer.from(b)),
  ),
)
const anyRecord = fc.record(
  {
    key: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
    value: fc.uint8Array({ maxLength: 20_000 }).map(bytes => Buffer.from(bytes)),
    headers: anyHeaders,
    shared: anyHeaders.map(sharedHeaders),
  },
  { requiredKeys: ['key', 'value', 'headers'] },
)

test('what is encoded is decoded, record for record', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 20 }), records => {
      const { records: read, next } = decodeBatches(stored(encoded(records), 100n), 0n)
      expect(next).toBe(100n + BigInt(records.length))
      expect(read.map(({ headers: _, ...parts }) => parts)).toEqual(
        records.map(({ key, value }, index) => ({
          offset: 100n + BigInt(index),
          key,
          value,
          timestamp: now,
        })),
      )
      for (const [index, { headers, shared }] of records.entries()) {
        const all = [shared?.headers ?? {}, headers]
          .flatMap(Object.entries)
          .map(([name, text]) => [name, Buffer.from(text)])
        expect(read[index]?.headers.size).toBe(all.length)
        expect([...(read[index]?.headers.entries() ?? [])]).toEqual(all)
        // Of two headers of one name the last is found.
        for (const [name, bytes] of Object.entries({ ...shared?.headers, ...headers }))
          expect(read[index]?.headers.get(name)).toEqual(Buffer.from(bytes))
        expect(read[index]?.headers.get('absent, and longer than any other name')).toBeUndefined()
      }
    }),
    { numRuns: 50 },
  )
})

test.each([
  [100, 3, 'lz4'],
  [4_000, 4, 'zstd'],
])(
  'another implementation reads our batch of %d records: fields, sequence and compressed records',
  (count, attributes) => {
    const records = Array.from({ length: count }, (_, n) =>
      newRecord(`value ${n} ${'x'.repeat(50)}`, { ce_id: `id ${n}` }),
    )
    const { bytes } = encoded(records)
    expect(bytes.length).toBeLessThan(batchBytes(records) / 2)
    const read = readRecordsBatch(Reader.from(bytes))
    expect(read).toMatchObject({
      attributes,
      producerId: 77n,
      producerEpoch: 1,
      firstSequence: 5,
      lastOffsetDelta: count - 1,
    })
    expect(read.firstTimestamp).toBe(BigInt(now))
    expect(read.records.map(({ value }) => value?.toString())).toEqual(
      records.map(({ value }) => value?.toString()),
    )
  },
)

test('a tombstone is a record without a value, for another implementation and for us', () => {
  const records = [newRecord('a'), { ...newRecord('b'), value: undefined }, newRecord('c')]
  const { bytes } = encoded(records)
  expect(bytes.length).toBe(batchBytes(records))
  const texts = ['a', undefined, 'c']
  const { records: read } = readRecordsBatch(Reader.from(Buffer.from(bytes)))
  expect(read.map(({ value }) => value?.toString())).toEqual(texts)
  expect(decodeBatches(bytes, 0n).records.map(({ value }) => value?.toString())).toEqual(texts)
})

test('a small batch is not compressed, and as long as foretold', () => {
  const shared = sharedHeaders({ ce_type: 'ß', ce_source: Buffer.from('/a') })
  const records = [{ ...newRecord('a', { ce_id: 'ü' }), shared }, newRecord('b'.repeat(3000))]
  expect(encoded(records).bytes.length).toBe(batchBytes(records))
})

test.each(['none', 'gzip', 'zstd', 'lz4', 'snappy'] as const)(
  'a batch of another producer with %s is read',
  compression => {
    const messages: MessageRecord[] = ['a', 'b'].map(text => ({
      topic: 't',
      key: Buffer.from(text),
      value: Buffer.from(text.repeat(500)),
    }))
    const batch = createRecordsBatch(messages, { compression })
    expect(decodeBatches(batch.buffer, 0n).records.map(({ key }) => key?.toString())).toEqual(['a', 'b'])
  },
)

test('records below the position are cut off, and a cut batch at the end waits', () => {
  const ten = encoded(Array.from({ length: 10 }, (_, n) => newRecord(`${n}`)))
  const bytes = Buffer.concat([stored(ten, 0n), stored(ten, 10n), stored(ten, 20n).subarray(0, 100)])
  const { records, next, leaderEpoch } = decodeBatches(bytes, 7n)
  expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 13 }, (_, n) => BigInt(n + 7)))
  expect(next).toBe(20n)
  expect(leaderEpoch).toBe(3)
})

test.each([
  ['a control batch', 1 << 5],
  ['a batch of a transaction', 1 << 4],
])('%s is skipped, and the position goes over it', (_, attributes) => {
  const batch = encodeBatch([newRecord('a')], now)
  batch.bytes.writeInt16BE(attributes, 21)
  setSequence(batch, sequence)
  expect(decodeBatches(stored(batch, 4n), 4n)).toMatchObject({ records: [], next: 5n })
})

test('a changed byte is noticed', () => {
  const bytes = stored(encoded([newRecord('abc')]), 0n)
  bytes[bytes.length - 3] = 0
  expect(() => decodeBatches(bytes, 0n)).toThrow(BatchUnreadable)
})

/** Batch after batch, each with one record of 900 KB that packs to nearly nothing. */
const compressible = (count: number): Buffer[] => {
  const one = encoded([newRecord('x'.repeat(900_000))])
  return Array.from({ length: count }, (_, n) => stored(one, BigInt(n)))
}

test('a portion has as many records as were asked for in unpacked bytes, however small they are packed', () => {
  const bytes = Buffer.concat(compressible(12))
  expect(bytes.length).toBeLessThan(20_000)
  const batches = batchesOf(bytes, 0n)
  expect(batches.end).toBe(12n)
  expect(offsets(batches.take(4_000_000))).toEqual([0, 1, 2, 3, 4])
  expect(batches.next).toBe(5n)
  expect(offsets(batches.take(1))).toEqual([5])
  expect(offsets(batches.take(100_000_000))).toEqual([6, 7, 8, 9, 10, 11])
  expect(batches.isEmpty).toBe(true)
  expect(batches.take(1)).toEqual([])
  expect(batches.next).toBe(12n)
})

test('a portion may end inside a batch, and tiny records count for what they cost', () => {
  const many = stored(encoded(Array.from({ length: 10_000 }, () => newRecord(''))), 7n)
  const batches = batchesOf(many, 10n)
  const portion = offsets(batches.take(100_000))
  expect(portion[0]).toBe(10)
  expect(portion.length).toBeLessThan(400)
  expect(batches.next).toBe(BigInt(10 + portion.length))
  expect(offsets(batches.take(300))[0]).toBe(10 + portion.length)
})

test('a batch is not unpacked before its turn', () => {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = compressible(2)
  second[second.length - 3] = 0
  const batches = batchesOf(Buffer.concat([first, second]), 0n)
  expect(offsets(batches.take(1))).toEqual([0])
  expect(() => batches.take(1)).toThrow(
    'the checksum of the batch of the offsets 1 to 1 of partition 3 is wrong',
  )
})

test('what stands before a batch that nobody can read is taken first, and it is never passed over', () => {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = compressible(2)
  second[second.length - 3] = 0
  const batches = batchesOf(Buffer.concat([first, second]), 0n)
  expect(offsets(batches.take(Number.POSITIVE_INFINITY))).toEqual([0])
  for (const _ of ['asked', 'asked again']) {
    expect([batches.isEmpty, batches.next]).toEqual([false, 1n])
    expect(() => batches.take(Number.POSITIVE_INFINITY)).toThrow(BatchUnreadable)
  }
})

test('a batch that unpacks beyond all measure is named by its offset', () => {
  const value = Buffer.alloc(maxUnpackedBytes)
  const { bytes } = encodeBatch([{ ...newRecord(''), value }], now)
  setSequence({ bytes, count: 1 }, sequence)
  expect(bytes.length).toBeLessThan(100_000)
  const take = () => decodeBatches(stored({ bytes, count: 1 }, 42n), 0n)
  expect(take).toThrow(BatchTooLarge)
  expect(take).toThrow(
    `the batch of the offsets 42 to 42 of partition 3 unpacks to more than ${maxUnpackedBytes} bytes`,
  )
})

test.each([
  ['shorter than its head', (bytes: Buffer) => bytes.writeInt32BE(-12, 8)],
  ['in a format older than 2', (bytes: Buffer) => bytes.writeInt8(1, 16)],
])('bytes that begin a batch %s are refused', (text, spoil) => {
  const bytes = stored(encoded([newRecord('abc')]), 0n)
  spoil(bytes)
  expect(() => batchesOf(bytes, 0n)).toThrow(text)
})

import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { expect, test } from 'vitest'
import { BatchTooLarge, BatchUnreadable, unpack } from './unpack.ts'

const { snappy, lz4 } = compressionsAlgorithms

/** As snappy-java writes it, in blocks. */
function framedSnappy(body: Buffer): Buffer {
  const blocks: Buffer[] = [Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1')]
  for (let at = 0; at < body.length; at += 32_768) {
    const block = snappy.compressSync(body.subarray(at, at + 32_768))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    blocks.push(length, block)
  }
  return Buffer.concat(blocks)
}

const kinds: readonly (readonly [string, number, (body: Buffer) => Buffer])[] = [
  ['gzip', 1, body => gzipSync(body)],
  ['snappy', 2, body => snappy.compressSync(body)],
  ['snappy in blocks', 2, framedSnappy],
  ['lz4', 3, body => lz4.compressSync(body)],
  ['zstd', 4, body => zstdCompressSync(body)],
]

const text = Buffer.from(Array.from({ length: 40_000 }, (_, n) => `line ${n * 7919}\n`).join(''))
const noise = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * n * 31 + (n >> 3)) % 251))

test.each(kinds)('%s: what is within the bound is unpacked, byte for byte', (_, codec, pack) => {
  for (const body of [text, noise, Buffer.alloc(4 << 20)]) {
    const packed = { name: 'a batch', body: pack(body), codec }
    expect(unpack(packed, body.length + (4 << 20)).equals(body)).toBe(true)
  }
})

test.each(kinds)('%s: what grows above the bound is a named error', (_, codec, pack) => {
  const packed = { name: 'the batch at offset 7', body: pack(Buffer.alloc((1 << 20) + 1)), codec }
  expect(packed.body.length).toBeLessThan(60_000)
  expect(() => unpack(packed, 1 << 20)).toThrow(BatchTooLarge)
  expect(() => unpack(packed, 1 << 20)).toThrow('the batch at offset 7 unpacks to more than 1048576 bytes')
})

test('a block of snappy that lies about its length makes no room for it', () => {
  const lie = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x61])
  expect(() => unpack({ name: 'a batch', body: lie, codec: 2 })).toThrow(BatchTooLarge)
})

test.each([
  [1, 'a batch does not decompress'],
  [2, 'a batch does not decompress'],
  [3, 'a batch does not decompress'],
  [4, 'a batch does not decompress'],
  [6, 'a batch has compression 6, which is not supported'],
])('bytes that codec %d did not pack are refused', (codec, why) => {
  const unpacking = () => unpack({ name: 'a batch', body: Buffer.from('no such thing'), codec })
  expect(unpacking).toThrow(BatchUnreadable)
  expect(unpacking).toThrow(why)
})

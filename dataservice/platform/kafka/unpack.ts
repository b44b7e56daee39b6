/** Compressed batches, unpacked within a bound: what a producer packed says nothing of how large it becomes. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'

/** Bytes that cannot be a batch, or a batch we cannot read; reading it again would not help. */
export class BatchUnreadable extends Error {}

/** A batch that would take more memory than any honest one. */
export class BatchTooLarge extends BatchUnreadable {
  override readonly name = 'BatchTooLarge'
}

export interface PackedBatch {
  /** How an error calls it. */
  name: string
  body: Buffer
  /** The number in its attributes. */
  codec: number
}

/** Ours are at most 1 MiB before compression, and so are those of most producers. */
export const maxUnpackedBytes = 64 * 1024 * 1024

type Unpack = (body: Buffer, maxBytes: number) => Buffer

/** By the number in the attributes; outside producers may choose any of Kafka's. */
const codecs: Readonly<Record<number, Unpack>> = {
  0: body => body,
  1: (body, maxOutputLength) => gunzipSync(body, { maxOutputLength }),
  2: unpackSnappy,
  3: unpackLz4,
  4: (body, maxOutputLength) => zstdDecompressSync(body, { maxOutputLength }),
}

/** The records of a batch, as one piece. Throws BatchUnreadable. */
export function unpack({ name, body, codec }: PackedBatch, maxBytes: number = maxUnpackedBytes): Buffer {
  const unpackWith = codecs[codec]
  if (!unpackWith) throw new BatchUnreadable(`${name} has compression ${codec}, which is not supported`)
  try {
    return unpackWith(body, maxBytes)
  } catch (cause) {
    if (isOutgrown(cause))
      throw new BatchTooLarge(`${name} unpacks to more than ${maxBytes} bytes`, { cause })
    throw new BatchUnreadable(`${name} does not decompress`, { cause })
  }
}

class Outgrown extends Error {}

/** Of our own making, or of Node's. */
const isOutgrown = (cause: unknown): boolean =>
  cause instanceof Outgrown ||
  (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE')

/** How snappy-java frames its blocks: a magic, two versions, then blocks with their lengths. */
const xerial = { magic: Buffer.from('\x82SNAPPY\0', 'latin1'), header: 16 } as const

/** A block of snappy begins with its length unpacked, and the decoder makes room for it at once. */
function unpackSnappy(body: Buffer, maxBytes: number): Buffer {
  const blocks = snappyBlocks(body)
  const total = blocks.reduce((sum, block) => sum + statedLength(block), 0)
  if (total > maxBytes) throw new Outgrown()
  const unpacked = blocks.map(block => compressionsAlgorithms.snappy.decompressSync(block))
  const [first = Buffer.alloc(0)] = unpacked
  return unpacked.length === 1 ? first : Buffer.concat(unpacked)
}

function snappyBlocks(body: Buffer): Buffer[] {
  if (!body.subarray(0, xerial.magic.length).equals(xerial.magic)) return [body]
  const blocks: Buffer[] = []
  for (let at: number = xerial.header; at < body.length; ) {
    const end = at + 4 + body.readUInt32BE(at)
    if (end > body.length) throw new Error('a block of snappy is longer than its batch')
    blocks.push(body.subarray(at + 4, end))
    at = end
  }
  return blocks
}

/** A varint of at most 32 bits. */
function statedLength(block: Buffer): number {
  let length = 0
  for (let at = 0; at < 5; at++) {
    const byte = block[at] ?? 0
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) break
  }
  return length
}

const lz4 = { magic: 0x184d2204, isStored: 0x8000_0000, mostTimes: 255 } as const
const flag = { contentSize: 1 << 3, blockChecksum: 1 << 4, dictionary: 1 } as const

function unpackLz4(body: Buffer, maxBytes: number): Buffer {
  // What cannot outgrow the bound at all, as all of ours, need not be looked at.
  if (body.length * lz4.mostTimes > maxBytes && lz4Bound(body) > maxBytes) throw new Outgrown()
  return compressionsAlgorithms.lz4.decompressSync(body)
}

/** What a frame of LZ4 may become at most: no block grows above the size in the frame's head, which the decoder checks. */
function lz4Bound(body: Buffer): number {
  if (body.readUInt32LE(0) !== lz4.magic) return body.length * lz4.mostTimes
  const flags = body.readUInt8(4)
  const blockBytes = 2 ** (8 + 2 * ((body.readUInt8(5) >> 4) & 7))
  const checksum = flags & flag.blockChecksum ? 4 : 0
  let at = 7 + (flags & flag.contentSize ? 8 : 0) + (flags & flag.dictionary ? 4 : 0)
  let bound = 0
  while (at + 4 <= body.length) {
    const head = body.readUInt32LE(at)
    if (head === 0) break
    const isStored = head >= lz4.isStored
    const length = isStored ? head - lz4.isStored : head
    bound += isStored ? length : Math.min(blockBytes, length * lz4.mostTimes)
    at += 4 + length + checksum
  }
  return bound
}

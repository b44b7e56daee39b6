/**
 * Which partition by hash takes a text, as Postgres computes it. Rows that go in partition by partition are cheaper to
 * store; a wrong answer would cost that and nothing else, because Postgres computes it again.
 */

/** What Postgres begins its hashes for partitions with, and what it adds for the only column of a key. */
const seed = { high: 0x7a5b2236, low: 0x7996dcfd } as const
const added = { high: 0x49a0f4dd, low: 0x15e5a8e3 } as const
const two32 = 2 ** 32

/** The remainder, from 0, of so many partitions (below 65,536); `text` in bytes, compared as bytes (collation "C"). */
export function hashPartitionOf(text: Buffer, partitions: number): number {
  const [low, high] = textHash(text)
  const sumLow = low + added.low
  const sumHigh = (high + added.high + (sumLow >= two32 ? 1 : 0)) % two32
  return ((sumHigh % partitions) * (two32 % partitions) + (sumLow % two32)) % partitions
}

/** Three words of 32 bits. */
type Words = readonly [number, number, number]

/** The hash lookup3 (Bob Jenkins, public domain) with that seed: its lower and its upper 32 bits. */
function textHash(text: Buffer): [number, number] {
  const start = 0x9e3779b9 + text.length + 3_923_095
  let words = mixed([start + seed.high, start + seed.low, start])
  let at = 0
  for (; text.length - at >= 12; at += 12)
    words = mixed(sum(words, text.readUInt32LE(at), text.readUInt32LE(at + 4), text.readUInt32LE(at + 8)))
  // The lowest byte of the third word is not for the text.
  const rest = sum(words, wordAt(text, at, 4), wordAt(text, at + 4, 4), wordAt(text, at + 8, 3) << 8)
  const [, middle, last] = finished(rest)
  return [last >>> 0, middle >>> 0]
}

const sum = ([a, b, c]: Words, x: number, y: number, z: number): Words => [a + x, b + y, c + z]

/** So many bytes from a place, the lowest first; what is not there counts as 0. */
const wordAt = (text: Buffer, from: number, bytes: number): number =>
  text.length > from ? text.readUIntLE(from, Math.min(bytes, text.length - from)) : 0

const rotated = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

/** The words change places with each step; after all of them each is back at its own. */
function mixed([a, b, c]: Words): Words {
  let [x, y, z] = [a, c, b]
  for (const bits of [4, 6, 8, 16, 19, 4]) {
    const next = (x - y) ^ rotated(y, bits)
    ;[x, y, z] = [z, next, (y + z) | 0]
  }
  return [x, z, y]
}

function finished([a, b, c]: Words): Words {
  let [x, y, z] = [c, b, a]
  for (const bits of [14, 11, 25, 16, 4, 14, 24]) {
    const next = ((x ^ y) - rotated(y, bits)) | 0
    ;[x, y, z] = [z, next, y]
  }
  return [x, z, y]
}

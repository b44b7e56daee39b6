/** Which partition a key belongs to, as the Java client's default partitioner decides it. */

const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/** Murmur2 as Kafka's `Utils.murmur2` computes it; a signed 32-bit integer. */
export function murmur2(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const tail = data.length & ~3
  let hash = seed ^ data.length
  for (let at = 0; at < tail; at += 4) {
    let word = Math.imul(view.getInt32(at, true), multiplier)
    word = Math.imul(word ^ (word >>> 24), multiplier)
    hash = Math.imul(hash, multiplier) ^ word
  }
  const rest = data.length - tail
  if (rest > 2) hash ^= view.getUint8(tail + 2) << 16
  if (rest > 1) hash ^= view.getUint8(tail + 1) << 8
  if (rest > 0) hash = Math.imul(hash ^ view.getUint8(tail), multiplier)
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

/** The partition of a key among `partitions` (at least 1). */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

/** UUID version 7 (RFC 9562): 48 bits of milliseconds, then 74 random bits; ids of one process only go up. */

export interface Uuid7Sources {
  /** Milliseconds since 1970. */
  now(): number
  /** Fills the bytes with randomness. */
  random(bytes: Uint8Array): void
}

const maxTime = 2 ** 48 - 1
/** Ids made in one millisecond before the clock is moved ahead. */
const maxSequence = 0xfff
const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
/** Random bytes are drawn for so many ids at once: each draw costs a call into the system. */
const drawnIds = 256
const randomBytes = 10

/**
 * Makes a source of ids. They are strictly ascending, also within a millisecond and when the clock steps back:
 * the 12 bits after the time count on from a random start below 2048.
 */
export function uuid7Maker({ now, random }: Uuid7Sources): () => string {
  const pool = Buffer.alloc(drawnIds * randomBytes)
  let drawn = pool.length
  let time = -1
  let sequence = 0
  let prefixTime = -1
  let prefix = ''
  return () => {
    if (drawn === pool.length) {
      random(pool)
      drawn = 0
    }
    const high = pool.readUInt32BE(drawn)
    const middle = pool.readUInt16BE(drawn + 4)
    const low = pool.readUInt32BE(drawn + 6)
    drawn += randomBytes
    const clock = Math.floor(now())
    if (clock > time) {
      time = clock
      sequence = high >>> 21
    } else if (++sequence > maxSequence) {
      time++
      sequence = high >>> 21
    }
    if (time !== prefixTime) {
      prefixTime = time
      prefix = `${timePart(time)}-`
    }
    const variant = 0x8000 | (high & 0x3fff)
    return `${prefix}${pair(0x7000 | sequence)}-${pair(variant)}-${pair(middle)}${pair(low >>> 16)}${pair(low & 0xffff)}`
  }
}

/** The two digits of each byte: a number's own text would be padded, which costs more. */
const byteTexts = Array.from({ length: 256 }, (_, byte) => hex(byte, 2))

/** Four digits of 16 bits. */
const pair = (bits: number): string => `${byteTexts[bits >>> 8]}${byteTexts[bits & 0xff]}`

/** Milliseconds since 1970 of an id, or undefined when the text is no UUIDv7 in lower case. */
export function timeOfUuid7(id: string): number | undefined {
  if (!shape.test(id)) return undefined
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

/** Value of each hexadecimal digit in lower case, by its character; -1 for all others. */
const digitOf = new Int8Array(256).fill(-1)
for (const [value, digit] of [...'0123456789abcdef'].entries()) digitOf[digit.charCodeAt(0)] = value

/** Where the two digits of each byte stand in the text; between them stand the dashes. */
const bytePlaces = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34)
const dash = '-'.charCodeAt(0)

/** The sixteen bytes of a UUIDv7 that is written in lower case, or undefined when the text is none. */
export function uuid7Bytes(text: Buffer): Buffer | undefined {
  if (text.length !== 36 || !hasDashes(text)) return undefined
  const bytes = Buffer.allocUnsafe(16)
  let wrong = 0
  for (let index = 0; index < 16; index++) {
    const place = bytePlaces[index] ?? 0
    const value = (valueAt(text, place) << 4) | valueAt(text, place + 1)
    wrong |= value
    bytes[index] = value
  }
  const isVersion7 = ((bytes[6] ?? 0) & 0xf0) === 0x70 && ((bytes[8] ?? 0) & 0xc0) === 0x80
  return wrong >= 0 && isVersion7 ? bytes : undefined
}

const hasDashes = (text: Buffer): boolean =>
  text[8] === dash && text[13] === dash && text[18] === dash && text[23] === dash

const valueAt = (text: Buffer, place: number): number => digitOf[text[place] ?? 0] ?? -1

/** Milliseconds since 1970 of the sixteen bytes of an id. */
export const timeOfBytes = (bytes: Buffer): number => bytes.readUIntBE(0, 6)

/** The lowest id of a millisecond: what comes at or after that time is not below it. */
export function lowestUuid7(time: number): string {
  return `${timePart(time)}-7000-8000-000000000000`
}

/** The highest id of a millisecond. */
export function highestUuid7(time: number): string {
  return `${timePart(time)}-7fff-bfff-ffffffffffff`
}

function timePart(time: number): string {
  const digits = hex(Math.min(Math.max(Math.floor(time), 0), maxTime), 12)
  return `${digits.slice(0, 8)}-${digits.slice(8)}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

/** The small parts of a value: numbers and escapes. Each function answers where to go on, or throws ScanStopped. */
import { escapes, hexValues, isDigit } from './scan-tables.ts'

const numberBounds = {
  /** Characters of one number. */
  length: 100,
  exponent: 308,
} as const

/** Stops a scan. `offset` is the byte where it went wrong. */
export class ScanStopped extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** Refuses the byte at a place, or the end of the text. */
export function stopAt(bytes: Buffer, at: number, end: number, wanted: string): never {
  if (at >= end) throw new ScanStopped(`the text ends where ${wanted} should be`, at)
  const byte = bytes[at] ?? 0
  const found = byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `byte ${byte}`
  throw new ScanStopped(`${found} stands where ${wanted} should be`, at)
}

/** Goes past the number that begins at `start`. */
export function pastNumber(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start] === 0x2d ? start + 1 : start
  let at = pastDigits(bytes, first, end)
  if (at - first > 1 && bytes[first] === 0x30) throw new ScanStopped('a number begins with 0', start)
  if (at < end && bytes[at] === 0x2e) at = pastDigits(bytes, at + 1, end)
  const hasExponent = at < end && ((bytes[at] ?? 0) | 0x20) === 0x65
  if (hasExponent) at = pastExponent(bytes, at + 1, end)
  if (at - start > numberBounds.length)
    throw new ScanStopped(`a number has more than ${numberBounds.length} characters`, start)
  if (hasExponent) refuseUnlessKept(bytes.toString('latin1', start, at), start)
  return at
}

function pastDigits(bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && isDigit(bytes[at] ?? 0)) at++
  return at > start ? at : stopAt(bytes, at, end, 'a digit')
}

function pastExponent(bytes: Buffer, start: number, end: number): number {
  const sign = bytes[start]
  const first = sign === 0x2b || sign === 0x2d ? start + 1 : start
  const at = pastDigits(bytes, first, end)
  if (Number(bytes.toString('latin1', first, at)) > numberBounds.exponent)
    throw new ScanStopped(`an exponent is beyond ${numberBounds.exponent}`, start)
  return at
}

/** A number that a double reads as infinite, or as 0 although it is not, would come back changed. */
function refuseUnlessKept(text: string, start: number): void {
  const value = Number(text)
  const isLost = value === 0 && /^[^e]*[1-9]/i.test(text)
  if (isLost || !Number.isFinite(value))
    throw new ScanStopped('a number is beyond the range of a double', start)
}

/** A byte inside a string that is no plain character: goes past an escape, refuses a control character. */
export function pastSpecial(bytes: Buffer, at: number, end: number): number {
  if (bytes[at] !== 0x5c)
    throw new ScanStopped('a control character stands in a string: write it as an escape', at)
  const letter = at + 1 < end ? (bytes[at + 1] ?? 0) : 0
  if (letter === 0x75) return pastUnit(bytes, at, end)
  if (escapes[letter] !== 1) throw new ScanStopped('an escape in a string is not known', at)
  return at + 2
}

/** Goes past `\uXXXX`, or past two of them that are a surrogate pair. */
function pastUnit(bytes: Buffer, at: number, end: number): number {
  const unit = hexUnit(bytes, at + 2, end)
  if (unit === 0) throw new ScanStopped('\\u0000 cannot be stored: take it out', at)
  if (unit < 0xd800 || unit > 0xdfff) return at + 6
  const isFollowed = unit < 0xdc00 && bytes[at + 6] === 0x5c && bytes[at + 7] === 0x75
  const low = isFollowed ? hexUnit(bytes, at + 8, end) : 0
  if (low < 0xdc00 || low > 0xdfff) throw new ScanStopped('half of a surrogate pair stands alone', at)
  return at + 12
}

function hexUnit(bytes: Buffer, at: number, end: number): number {
  let unit = 0
  for (let digit = at; digit < at + 4; digit++) {
    const value = digit < end ? (hexValues[bytes[digit] ?? 0] ?? -1) : -1
    if (value < 0) throw new ScanStopped('\\u needs four hex digits', at)
    unit = unit * 16 + value
  }
  return unit
}

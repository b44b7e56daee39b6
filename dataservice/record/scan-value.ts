/**
 * Reads one JSON value byte by byte without building it. It is stricter than `JSON.parse`: what Postgres or another
 * reader would lose, change or refuse later is refused here, with its place.
 */
import { randomInt } from 'node:crypto'
import { pastNumber, pastSpecial, ScanStopped, stopAt } from './scan-parts.ts'
import { isSpace, kinds, literals, token } from './scan-tables.ts'

const valueBounds = {
  depth: 64,
  /** Keys of one object that are compared with each other before a set takes over. */
  comparedKeys: 64,
} as const

/** Another one in each process, so that nobody can send names that all collide. No answer depends on it. */
const hashFactor = randomInt(1 << 20, 1 << 30) * 2 + 1

/** An open object or array. */
interface Frame {
  /** Array: index of the element being read; object: -1. */
  element: number
  /** Object: where its keys begin in the list of keys. */
  firstKey: number
  /** Object with many keys: all of them. */
  keys: Set<string> | undefined
}

export class ValueScanner {
  readonly #bytes: Buffer
  readonly #frames: Frame[] = []
  #depth = 0
  #end: number
  #at: number
  /** Keys of the open objects, innermost last: hash and place of each. */
  readonly #keyHashes: number[] = []
  readonly #keyPlaces: number[] = []
  #keyCount = 0
  #hash = 0
  #isEscaped = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#at = 0
    this.#end = bytes.length
  }

  get offset(): number {
    return this.#at
  }

  /** Limits what follows to these bytes, and starts at the first. */
  moveTo(start: number, end: number): void {
    this.#at = start
    this.#end = end
    this.#depth = 0
    this.#keyCount = 0
  }

  /** The next byte that is no white space, or -1 at the end. */
  peek(): number {
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at] ?? 0
      if (byte > 0x20 || !isSpace(byte)) return byte
      this.#at++
    }
    return -1
  }

  /** Goes past a byte that was peeked. */
  skip(): void {
    this.#at++
  }

  /** Goes past one value. Throws ScanStopped. */
  value(): void {
    const byte = this.peek()
    switch (kinds[byte]) {
      case token.object:
        this.#object()
        return
      case token.array:
        this.#array()
        return
      case token.quote:
        this.#string()
        return
      case token.number:
        this.#at = pastNumber(this.#bytes, this.#at, this.#end)
        return
      case token.literal:
        this.#literal(byte)
        return
      default:
        this.unexpected('a value')
    }
  }

  /** JSON Pointer of the value being read. */
  pointer(): string {
    let pointer = ''
    for (let depth = 0; depth < this.#depth; depth++) {
      const frame = this.#frames[depth]
      if (!frame) break
      if (frame.element >= 0) pointer += `/${frame.element}`
      else {
        const next = depth + 1 < this.#depth ? (this.#frames[depth + 1]?.firstKey ?? 0) : this.#keyCount
        if (next > frame.firstKey) pointer += `/${escapeSegment(this.#keyText(next - 1))}`
      }
    }
    return pointer
  }

  unexpected(wanted: string): never {
    this.peek()
    return stopAt(this.#bytes, this.#at, this.#end, wanted)
  }

  #open(element: number): Frame {
    if (this.#depth >= valueBounds.depth)
      throw new ScanStopped(`nested deeper than ${valueBounds.depth}`, this.#at)
    const frame = this.#frames[this.#depth] ?? { element, firstKey: 0, keys: undefined }
    frame.element = element
    frame.firstKey = this.#keyCount
    frame.keys = undefined
    this.#frames[this.#depth++] = frame
    this.#at++
    return frame
  }

  #close(frame: Frame): void {
    this.#keyCount = frame.firstKey
    this.#depth--
    this.#at++
  }

  #object(): void {
    const frame = this.#open(-1)
    if (this.peek() !== 0x7d) this.#members(frame)
    this.#close(frame)
  }

  #members(frame: Frame): void {
    for (;;) {
      if (this.peek() !== 0x22) this.unexpected('a name in quotes')
      this.#key(frame)
      if (this.peek() !== 0x3a) this.unexpected('":"')
      this.#at++
      this.value()
      const byte = this.peek()
      if (byte === 0x7d) return
      if (byte !== 0x2c) this.unexpected('"," or "}"')
      this.#at++
    }
  }

  #array(): void {
    const frame = this.#open(0)
    if (this.peek() !== 0x5d) this.#elements(frame)
    this.#close(frame)
  }

  #elements(frame: Frame): void {
    for (;;) {
      this.value()
      const byte = this.peek()
      if (byte === 0x5d) return
      if (byte !== 0x2c) this.unexpected('"," or "]"')
      this.#at++
      frame.element++
    }
  }

  #string(): void {
    const bytes = this.#bytes
    const end = this.#end
    let at = this.#at + 1
    while (at < end) {
      const kind = kinds[bytes[at] ?? 0] ?? 0
      if (kind < token.quote) at++
      else if (kind === token.quote) {
        this.#at = at + 1
        return
      } else at = pastSpecial(bytes, at, end)
    }
    throw new ScanStopped('a string has no end', this.#at)
  }

  /** Reads the name of a member and refuses it when the object has it already. */
  #key(frame: Frame): void {
    const start = this.#at
    this.#hashString()
    const place = this.#keyCount++
    this.#keyPlaces[place] = start
    this.#keyHashes[place] = this.#isEscaped ? hashOf(this.#keyText(place)) : this.#hash
    const isRepeated =
      place - frame.firstKey < valueBounds.comparedKeys
        ? this.#repeats(frame, place)
        : this.#isKnown(frame, place)
    if (isRepeated) throw new ScanStopped('the name stands twice in one object', start)
  }

  /** As `#string`, and leaves the hash of the bytes. */
  #hashString(): void {
    const bytes = this.#bytes
    const end = this.#end
    let at = this.#at + 1
    let hash = 0
    this.#isEscaped = false
    while (at < end) {
      const byte = bytes[at] ?? 0
      const kind = kinds[byte] ?? 0
      if (kind < token.quote) {
        hash = (Math.imul(hash, hashFactor) + byte) | 0
        at++
      } else if (kind === token.quote) {
        this.#at = at + 1
        this.#hash = hash
        return
      } else {
        at = pastSpecial(bytes, at, end)
        this.#isEscaped = true
      }
    }
    throw new ScanStopped('a string has no end', this.#at)
  }

  #repeats(frame: Frame, place: number): boolean {
    const hash = this.#keyHashes[place]
    for (let other = frame.firstKey; other < place; other++) {
      if (this.#keyHashes[other] === hash && this.#keyText(other) === this.#keyText(place)) return true
    }
    return false
  }

  /** Many keys: a set of strings, whose hash nobody outside can foresee. */
  #isKnown(frame: Frame, place: number): boolean {
    if (frame.keys === undefined) {
      frame.keys = new Set()
      for (let other = frame.firstKey; other < place; other++) frame.keys.add(this.#keyText(other))
    }
    const before = frame.keys.size
    return frame.keys.add(this.#keyText(place)).size === before
  }

  #keyText(place: number): string {
    const start = this.#keyPlaces[place] ?? 0
    let end = start + 1
    while (this.#bytes[end] !== 0x22 && end < this.#end) end += this.#bytes[end] === 0x5c ? 2 : 1
    const text: unknown = JSON.parse(this.#bytes.toString('utf8', start, end + 1))
    return String(text)
  }

  #literal(first: number): void {
    const word = literals[first] ?? ''
    for (let place = 0; place < word.length; place++) {
      const isInside = this.#at + place < this.#end
      if (!isInside || this.#bytes[this.#at + place] !== word.charCodeAt(place)) {
        throw new ScanStopped('a word is none of true, false, null', this.#at)
      }
    }
    this.#at += word.length
  }
}

function hashOf(text: string): number {
  let hash = 0
  for (const byte of Buffer.from(text)) hash = (Math.imul(hash, hashFactor) + byte) | 0
  return hash
}

function escapeSegment(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1')
}

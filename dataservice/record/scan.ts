/**
 * Cuts a request body into records without parsing it: the bytes between `start` and `end` of each record go to the
 * log as they came. What could not be stored, or would come back changed, is refused with its place.
 */
import { isUtf8 } from 'node:buffer'
import { ScanStopped } from './scan-parts.ts'
import { ValueScanner } from './scan-value.ts'

export const bodyBounds = {
  recordBytes: 900 * 1024,
  bodyBytes: 10 * 1024 * 1024,
  records: 10_000,
} as const

/** `json`: one object, or an array of them. `lines`: one object in each line (NDJSON). */
export type BodyFormat = 'json' | 'lines'

/** Bytes `start` to `end` (not included) of the body. */
export interface Range {
  start: number
  end: number
}

export type Scan =
  /** `isList`: the body was an array or lines, so that the answer is a list, too. */
  | { kind: 'records'; isList: boolean; ranges: readonly Range[] }
  /** Not JSON, or JSON that could not be kept. `pointer` is inside the record, `offset` in the body. */
  | { kind: 'refused'; index: number; pointer: string; offset: number; message: string }
  | { kind: 'too-large'; index?: number; message: string }

/** One pass over a body. Never throws. */
export function scanBody(body: Buffer, format: BodyFormat): Scan {
  if (body.length > bodyBounds.bodyBytes)
    return { kind: 'too-large', message: `the body has more than ${bodyBounds.bodyBytes} bytes` }
  const cut = new Cut(body)
  try {
    if (!isUtf8(body)) throw new ScanStopped('the bytes are not UTF-8', firstBadByte(body))
    const isList = format === 'lines' ? cut.lines() : cut.document()
    if (cut.ranges.length === 0) throw new ScanStopped('the body holds no record', 0)
    return { kind: 'records', isList, ranges: cut.ranges }
  } catch (error) {
    if (error instanceof TooLarge) return { kind: 'too-large', index: cut.index, message: error.message }
    if (!(error instanceof ScanStopped)) throw error
    return {
      kind: 'refused',
      index: cut.index,
      pointer: cut.pointer(),
      offset: error.offset,
      message: error.message,
    }
  }
}

class TooLarge extends Error {}

/** The records found so far. */
class Cut {
  readonly ranges: Range[] = []
  readonly #scanner: ValueScanner
  readonly #body: Buffer
  #isList = true

  constructor(body: Buffer) {
    this.#body = body
    this.#scanner = new ValueScanner(body)
  }

  /** Index of the record being read. */
  get index(): number {
    return this.#isList ? this.ranges.length : 0
  }

  pointer(): string {
    return this.#scanner.pointer().slice(0, 200)
  }

  /** One value, or an array of them; answers whether it was an array. */
  document(): boolean {
    const scanner = this.#scanner
    this.#isList = scanner.peek() === 0x5b
    if (this.#isList) this.#elements()
    else this.#record()
    if (scanner.peek() >= 0) scanner.unexpected('the end')
    return this.#isList
  }

  #elements(): void {
    const scanner = this.#scanner
    scanner.skip()
    if (scanner.peek() === 0x5d) {
      scanner.skip()
      return
    }
    for (;;) {
      this.#record()
      const byte = scanner.peek()
      if (byte !== 0x2c && byte !== 0x5d) scanner.unexpected('"," or "]"')
      scanner.skip()
      if (byte === 0x5d) return
    }
  }

  /** One value in each line; empty lines are passed over. */
  lines(): boolean {
    const scanner = this.#scanner
    for (let start = 0; start < this.#body.length; ) {
      const found = this.#body.indexOf(0x0a, start)
      const end = found < 0 ? this.#body.length : found
      scanner.moveTo(start, end)
      if (scanner.peek() >= 0) this.#record()
      if (scanner.peek() >= 0) scanner.unexpected('the end of the line')
      start = end + 1
    }
    return true
  }

  #record(): void {
    if (this.ranges.length >= bodyBounds.records)
      throw new TooLarge(`the body has more than ${bodyBounds.records} records`)
    this.#scanner.peek()
    const start = this.#scanner.offset
    this.#scanner.value()
    const end = this.#scanner.offset
    if (end - start > bodyBounds.recordBytes)
      throw new TooLarge(`the record has more than ${bodyBounds.recordBytes} bytes`)
    this.ranges.push({ start, end })
  }
}

/** Where UTF-8 breaks: by blocks first, then byte by byte in the block. */
function firstBadByte(body: Buffer): number {
  const block = 4_096
  let start = 0
  for (;;) {
    const end = characterStart(body, Math.min(start + block, body.length))
    if (end <= start || !isUtf8(body.subarray(start, end))) break
    start = end
  }
  while (start < body.length) {
    const next = characterStart(body, start + 1, 1)
    if (!isUtf8(body.subarray(start, next))) return start
    start = next
  }
  return start
}

/** The nearest place, backwards or forwards, that is not inside a character. */
function characterStart(body: Buffer, at: number, direction: 1 | -1 = -1): number {
  let place = at
  for (let steps = 0; steps < 3 && place < body.length && ((body[place] ?? 0) & 0xc0) === 0x80; steps++)
    place += direction
  return place
}

/** Takes the bodies of requests in. Fastify's own way keeps every chunk until the last one has come. */
import type { IncomingMessage } from 'node:http'
import { errorCodes } from 'fastify'

const nothing = Buffer.alloc(0)

/**
 * Bytes that come in pieces, as one buffer. A client may send each byte in a chunk of its own, and a buffer for each would
 * take hundreds of times the room that the bytes were counted as.
 */
export class Gathered {
  readonly #expected: number
  #bytes: Buffer = nothing
  #size = 0

  /** `expected`: bytes that will come, as far as somebody said. */
  constructor(expected = 0) {
    this.#expected = expected
  }

  get size(): number {
    return this.#size
  }

  /** What comes in one piece is not copied. */
  add(piece: Buffer): void {
    const size = this.#size + piece.length
    if (this.#size === 0) {
      this.#bytes = piece
    } else {
      if (size > this.#bytes.length) this.#grow(size)
      piece.copy(this.#bytes, this.#size)
    }
    this.#size = size
  }

  /** All that has come; the next piece is the first one of others. */
  take(): Buffer {
    const bytes = this.#size === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#size)
    this.#bytes = nothing
    this.#size = 0
    return bytes
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafe(Math.max(size, 2 * this.#bytes.length, this.#expected))
    this.#bytes.copy(larger, 0, 0, this.#size)
    this.#bytes = larger
  }
}

/** Ends with the whole body, or with an error for a body that has more than `limit` bytes or is not whole. */
export function wholeBody(
  request: IncomingMessage,
  limit: number,
  done: (error: Error | null, body?: Buffer) => void,
): void {
  const declared = Number(request.headers['content-length'] ?? Number.NaN)
  const gathered = new Gathered(declared <= limit ? declared : 0)
  const take = (piece: Buffer): void => {
    if (gathered.size + piece.length > limit) end(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
    else gathered.add(piece)
  }
  const end = (error?: Error): void => {
    request.off('data', take).off('end', end).off('error', end)
    if (error !== undefined) done(error)
    else if (declared >= 0 && declared !== gathered.size)
      done(new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH())
    else done(null, gathered.take())
  }
  if (declared > limit) done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
  else request.on('data', take).on('end', end).on('error', end)
}

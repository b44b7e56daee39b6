/** Unpacks a body that came packed, without ever holding more than is allowed. */
import type { Transform } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import type { Encoding } from './media-type.ts'
import { Problem } from './problems.ts'

export interface InflateRules {
  encoding: Encoding
  /** Bytes that the unpacked body may have. */
  limit: number
  /** Takes room for the next piece, or answers false when there is none. */
  take(bytes: number): boolean
}

const chunkSize = 64 * 1024
/** A window of 8 MiB, which every encoder keeps to unless told otherwise; the format allows 128 MiB and more. */
const zstdWindow = { [constants.ZSTD_d_windowLogMax]: 23 }

const decoders: Readonly<Record<Encoding, () => Transform & { bytesWritten: number }>> = {
  gzip: () => createGunzip({ chunkSize }),
  zstd: () => createZstdDecompress({ chunkSize, params: zstdWindow }),
}

/** Rejects with a Problem when the body is broken or too large, or when there is no room for it. */
export async function inflate(packed: Buffer, { encoding, limit, take }: InflateRules): Promise<Buffer> {
  const decoder = decoders[encoding]()
  const pieces: Buffer[] = []
  let size = 0
  try {
    for await (const piece of decoder.end(packed)) {
      size += piece.length
      if (size > limit) throw tooLarge(limit)
      if (!take(piece.length)) throw new Problem('overloaded', { retryAfter: 1 })
      pieces.push(piece)
    }
  } catch (cause) {
    throw cause instanceof Problem ? cause : broken(encoding, cause)
  }
  // A decoder stops at the end of its data: what stands behind it would be lost.
  if (decoder.bytesWritten !== packed.length) throw broken(encoding)
  return Buffer.concat(pieces, size)
}

const tooLarge = (limit: number) =>
  new Problem('payload-too-large', { detail: `The unpacked body has more than ${limit} bytes.` })

const broken = (encoding: Encoding, cause?: unknown) =>
  new Problem('invalid-encoding', { detail: `The body is not whole, or is not ${encoding}.`, cause })

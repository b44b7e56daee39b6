/** Values in the binary format of Postgres: bodies pass as the bytes they are, nothing is escaped or parsed. */

/** Milliseconds from 1970 to 2000, the epoch of Postgres. */
const postgresEpochMs = 946_684_800_000

/** Type numbers of Postgres; they are part of its protocol and never change. */
const typeNumbers = { bytea: 17, text: 25, json: 114, timestamptz: 1184, uuid: 2950 } as const
export type BinaryType = keyof typeof typeNumbers

/** A `timestamptz` from milliseconds since 1970; exact for 285 years around 2000. */
export function timestampBytes(milliseconds: number): Buffer {
  const microseconds = (Math.trunc(milliseconds) - postgresEpochMs) * 1000
  const high = Math.floor(microseconds / 2 ** 32)
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeInt32BE(high, 0)
  bytes.writeUInt32BE(microseconds - high * 2 ** 32, 4)
  return bytes
}

/** Signature, no flags, no extension. */
const copyHeader = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
const copyTrailer = Buffer.from([0xff, 0xff])

/** The whole input of `COPY … WITH (FORMAT binary)`, written into one buffer: each byte of a row is copied once. */
export function copyInput(rows: readonly (readonly Buffer[])[]): Buffer {
  const size = rows.reduce((sum, fields) => sum + rowBytes(fields), copyHeader.length + copyTrailer.length)
  const input = Buffer.allocUnsafe(size)
  let at = copyHeader.copy(input)
  for (const fields of rows) {
    at = input.writeInt16BE(fields.length, at)
    for (const field of fields) {
      at = input.writeInt32BE(field.length, at)
      at += field.copy(input, at)
    }
  }
  copyTrailer.copy(input, at)
  return input
}

function rowBytes(fields: readonly Buffer[]): number {
  let bytes = 2
  for (const field of fields) bytes += 4 + field.length
  return bytes
}

/** A one-dimensional array without NULLs, as the value of a parameter such as `$1::json[]`. */
export function arrayBytes(type: BinaryType, elements: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(elements.length === 0 ? 12 : 20)
  header.writeInt32BE(elements.length === 0 ? 0 : 1, 0)
  header.writeInt32BE(typeNumbers[type], 8)
  if (elements.length > 0) {
    header.writeInt32BE(elements.length, 12)
    header.writeInt32BE(1, 16)
  }
  return Buffer.concat([header, ...elements.flatMap(element => [lengthOf(element), element])])
}

function lengthOf(element: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4)
  length.writeInt32BE(element.length)
  return length
}

/** Values in the binary format of Postgres: bodies pass as the bytes they are, nothing is escaped or parsed. */

/** Microseconds from 1970 to 2000, the epoch of Postgres. */
const postgresEpochMs = 946_684_800_000n

/** Type numbers of Postgres; they are part of its protocol and never change. */
export const typeNumbers = { bytea: 17, text: 25, json: 114, timestamptz: 1184, uuid: 2950 } as const
export type BinaryType = keyof typeof typeNumbers

/** A `uuid`. Throws when the text is not one. */
export function uuidBytes(text: string): Buffer {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw new Error(`not a UUID: ${text}`)
  return Buffer.from(text.replaceAll('-', ''), 'hex')
}

/** A `timestamptz` from milliseconds since 1970. */
export function timestampBytes(milliseconds: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigInt64BE((BigInt(milliseconds) - postgresEpochMs) * 1000n)
  return bytes
}

/** One row of `COPY … WITH (FORMAT binary)`, without the header and trailer of the stream. */
export function copyRow(fields: readonly Buffer[]): Buffer {
  const size = fields.reduce((sum, field) => sum + 4 + field.length, 2)
  const row = Buffer.allocUnsafe(size)
  row.writeInt16BE(fields.length, 0)
  let position = 2
  for (const field of fields) {
    position = row.writeInt32BE(field.length, position)
    position += field.copy(row, position)
  }
  return row
}

/** Signature, no flags, no extension. */
export const copyHeader: Buffer = Buffer.concat([
  Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'),
  Buffer.alloc(8),
])
export const copyTrailer: Buffer = Buffer.from([0xff, 0xff])

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

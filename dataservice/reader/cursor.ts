/** Where a page ended, signed and bound to its question: opaque to clients, the same in every reader. */
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

/** The place of a record in the order of pages. */
export interface PagePlace {
  id: string
  /** RFC 3339 with microseconds, as Postgres keeps it; only where ids do not carry the time. */
  acceptedAt?: string
}

const version = 2
const signatureBytes = 16
/** Longer than any cursor of ours: an id has at most 600 characters, of up to 6 bytes each in JSON. */
const maxLength = 8_192

/** The cursor that follows a record. `question` is its canonical text. */
export function signCursor(key: KeyObject, question: string, { id, acceptedAt }: PagePlace): string {
  const place = acceptedAt === undefined ? [id] : [id, acceptedAt]
  const head = Buffer.concat([Buffer.from([version]), Buffer.from(JSON.stringify(place))])
  return Buffer.concat([head, signature(key, question, head)]).toString('base64url')
}

/** The place after which to go on, or undefined when this is no cursor of ours for this question. */
export function readCursor(key: KeyObject, question: string, cursor: string): PagePlace | undefined {
  if (cursor.length > maxLength || !/^[\w-]+$/.test(cursor)) return undefined
  const bytes = Buffer.from(cursor, 'base64url')
  // Some texts differ only in bits that decoding drops: only the one that we wrote counts.
  if (bytes.length <= 1 + signatureBytes || bytes.toString('base64url') !== cursor) return undefined
  const head = bytes.subarray(0, -signatureBytes)
  if (!timingSafeEqual(bytes.subarray(-signatureBytes), signature(key, question, head))) return undefined
  if (head[0] !== version) return undefined
  const [id, acceptedAt]: string[] = JSON.parse(head.toString('utf8', 1))
  if (id === undefined) return undefined
  return acceptedAt === undefined ? { id } : { id, acceptedAt }
}

function signature(key: KeyObject, question: string, head: Buffer): Buffer {
  return createHmac('sha256', key).update(head).update(question).digest().subarray(0, signatureBytes)
}

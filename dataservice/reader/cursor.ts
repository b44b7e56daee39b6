/** Where a page ended, signed and bound to its question: opaque to clients, the same in every reader. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { uuidBytes } from '#dataservice/platform/postgres/binary.ts'

const version = 1
const idBytes = 16
const signatureBytes = 16

/** The cursor that follows a record. `question` is its canonical text. */
export function signCursor(key: Buffer, question: string, id: string): string {
  const head = Buffer.concat([Buffer.from([version]), uuidBytes(id)])
  return Buffer.concat([head, signature(key, question, head)]).toString('base64url')
}

/** The id after which to go on, or undefined when this is no cursor of ours for this question. */
export function readCursor(key: Buffer, question: string, cursor: string): string | undefined {
  if (!/^[\w-]{44}$/.test(cursor)) return undefined
  const bytes = Buffer.from(cursor, 'base64url')
  const head = bytes.subarray(0, 1 + idBytes)
  if (bytes.length !== 1 + idBytes + signatureBytes || bytes[0] !== version) return undefined
  if (!timingSafeEqual(bytes.subarray(1 + idBytes), signature(key, question, head))) return undefined
  const hex = head.subarray(1).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function signature(key: Buffer, question: string, head: Buffer): Buffer {
  return createHmac('sha256', key).update(head).update(question).digest().subarray(0, signatureBytes)
}

/**
 * Consistency tokens: how far somebody wrote into which log. Signed, so that nobody makes readers wait for offsets that
 * were never given out. Gateways write them, readers read them; all of them hold the same key.
 */
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

/** A place in the log: everything up to these offsets. */
export interface LogPosition {
  /** Identity of the log, for example the id of the Kafka cluster. */
  log: string
  /** Last offset by partition. */
  offsets: ReadonlyMap<number, bigint>
}

/** Spelled as clients send and get it. */
export const tokenHeader = 'consistency-token'

const version = 1
const signatureBytes = 16
const maxLength = 8_192
/** What stands before the text, so that no cursor with the same key is taken for a token. */
const purpose = 'consistency-token'

export function writeToken(key: KeyObject, { log, offsets }: LogPosition): string {
  const parts = [...offsets].map(([partition, offset]) => `${partition}-${offset}`)
  const text = `${version};${log};${parts.join(',')}`
  return `${Buffer.from(text).toString('base64url')}.${signature(key, text).toString('base64url')}`
}

/**
 * The position of one token or of several in one header, separated by commas: of each partition the highest offset.
 * Undefined when one of them is no token of ours, or when they are of different logs.
 */
export function readTokens(key: KeyObject, header: string): LogPosition | undefined {
  if (header.length > maxLength) return undefined
  const positions = header.split(',').map(token => readToken(key, token.trim()))
  const [first] = positions
  if (first === undefined) return undefined
  let merged: LogPosition = first
  for (const position of positions) {
    if (position === undefined || position.log !== first.log) return undefined
    merged = mergePositions(merged, position)
  }
  return merged
}

/** Both places of the same log. */
export function mergePositions(one: LogPosition, other: LogPosition): LogPosition {
  const offsets = new Map(one.offsets)
  for (const [partition, offset] of other.offsets) {
    const known = offsets.get(partition)
    if (known === undefined || known < offset) offsets.set(partition, offset)
  }
  return { log: one.log, offsets }
}

function readToken(key: KeyObject, token: string): LogPosition | undefined {
  const [encoded = '', signed = ''] = token.split('.')
  const text = Buffer.from(encoded, 'base64url').toString()
  const given = Buffer.from(signed, 'base64url')
  if (given.length !== signatureBytes || !timingSafeEqual(given, signature(key, text))) return undefined
  const [, log = '', parts = ''] = /^1;([^;]*);([\d,-]+)$/.exec(text) ?? []
  const offsets = new Map<number, bigint>()
  for (const part of parts.split(',')) {
    const [, partition, offset] = /^(\d{1,9})-(\d{1,19})$/.exec(part) ?? []
    if (partition === undefined || offset === undefined) return undefined
    offsets.set(Number(partition), BigInt(offset))
  }
  return { log, offsets }
}

function signature(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key)
    .update(purpose + text)
    .digest()
    .subarray(0, signatureBytes)
}

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

type Written = Pick<LogPosition, 'log'> & { offsets: Iterable<readonly [number, bigint]> }

/** Spelled as clients send and get it. */
export const tokenHeader = 'consistency-token'

const version = 1
/** Of base64url: 128 bits and some more. */
const signatureLength = 22
const maxLength = 8_192
/** What stands before the text, so that no cursor with the same key is taken for a token. */
const purpose = 'consistency-token '

/** `<version>.<log>.<partition>-<offset>_….<signature>`: made for every POST, so it is one text and one hash. */
export function writeToken(key: KeyObject, { log, offsets }: Written): string {
  let text = `${version}.${encodeURIComponent(log)}.`
  let separator = ''
  for (const [partition, offset] of offsets) {
    text += `${separator}${partition}-${offset}`
    separator = '_'
  }
  return `${text}.${signature(key, text)}`
}

/**
 * The position of one token or of several in one header, separated by commas: of each partition the highest offset.
 * Undefined when one of them is no token of ours, or when they are of different logs.
 */
export function readTokens(key: KeyObject, header: string): LogPosition | undefined {
  if (header.length > maxLength) return undefined
  const offsets: [number, bigint][] = []
  let log: string | undefined
  for (const token of header.split(',')) {
    const position = readToken(key, token.trim())
    if (position === undefined || (log !== undefined && position.log !== log)) return undefined
    log = position.log
    offsets.push(...position.offsets)
  }
  return log === undefined ? undefined : { log, offsets: highest(offsets) }
}

/** Of each partition the highest offset. */
export function highest(offsets: Iterable<readonly [number, bigint]>): Map<number, bigint> {
  const found = new Map<number, bigint>()
  for (const [partition, offset] of offsets) {
    const known = found.get(partition)
    if (known === undefined || known < offset) found.set(partition, offset)
  }
  return found
}

function readToken(key: KeyObject, token: string): LogPosition | undefined {
  const end = token.lastIndexOf('.')
  const text = token.slice(0, Math.max(end, 0))
  const given = Buffer.from(token.slice(end + 1))
  const expected = Buffer.from(signature(key, text))
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  const [, log = '', parts = ''] = /^1\.(.*)\.([\d_-]+)$/.exec(text) ?? []
  const offsets = new Map<number, bigint>()
  for (const part of parts.split('_')) {
    const [, partition, offset] = /^(\d{1,9})-(\d{1,19})$/.exec(part) ?? []
    if (partition === undefined || offset === undefined) return undefined
    offsets.set(Number(partition), BigInt(offset))
  }
  return { log: decodeURIComponent(log), offsets }
}

function signature(key: KeyObject, text: string): string {
  return createHmac('sha256', key)
    .update(purpose + text)
    .digest('base64url')
    .slice(0, signatureLength)
}

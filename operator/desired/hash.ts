/** Hashes of plain values, the same whatever the order of their keys. */
import { createHash } from 'node:crypto'

/** First 8 hex digits: enough to tell versions of one object apart, short enough for a name. */
export function contentHash(value: unknown): string {
  return fullHash(value).slice(0, 8)
}

/** 64 hex digits: the same for the same value only. */
export const fullHash = (value: unknown): string =>
  createHash('sha256').update(canonicalText(value)).digest('hex')

/** JSON with sorted keys. Undefined members count as absent. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isPlainObject(member) ? Object.fromEntries(Object.entries(member).sort(byKey)) : member,
  )
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const byKey = ([left]: [string, unknown], [right]: [string, unknown]): number =>
  left < right ? -1 : left > right ? 1 : 0

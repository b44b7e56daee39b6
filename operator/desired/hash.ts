/** Hashes of plain values, the same whatever the order of their keys. */
import { hash } from 'node:crypto'

/** First 8 hex digits: enough to tell versions of one object apart, short enough for a name. */
export function contentHash(value: unknown): string {
  return fullHash(value).slice(0, 8)
}

/** 64 hex digits: the same for the same value only. */
export const fullHash = (value: unknown): string => hash('sha256', canonicalText(value))

/** JSON with sorted keys, numbers first and in their order, as in every object. Undefined members count as absent. */
export const canonicalText = (value: unknown): string => JSON.stringify(sorted(value))

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isPlainObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted(value[key])]),
  )
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

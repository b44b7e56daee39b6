/** Hashes of plain values, the same whatever the order of their keys. */
import { hash } from 'node:crypto'

/** First 8 hex digits: enough to tell versions of one object apart, short enough for a name. */
export function contentHash(value: unknown): string {
  return fullHash(value).slice(0, 8)
}

/** 64 hex digits: the same for the same value only. */
export const fullHash = (value: unknown): string => hash('sha256', canonicalText(value))

/** JSON with sorted keys. Undefined members count as absent. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(each => canonicalText(each) ?? 'null').join(',')}]`
  if (!isPlainObject(value)) return JSON.stringify(value)
  let text = ''
  for (const key of sortedKeys(value)) {
    const member = canonicalText(value[key])
    if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${member}`
  }
  return `{${text}}`
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Numbers come first and in their order, as in every object: hashes of earlier versions must stay the same. */
function sortedKeys(value: Record<string, unknown>): string[] {
  const keys = Object.keys(value).sort()
  return keys.some(key => isIndex.test(key))
    ? Object.keys(Object.fromEntries(keys.map(key => [key, 0])))
    : keys
}

const isIndex = /^\d/

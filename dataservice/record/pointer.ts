/** Values inside a record, by the segments of a JSON Pointer (RFC 6901). */

/** The value at a path, looking only at own properties; undefined when there is none. */
export function valueAt(record: unknown, path: readonly string[]): unknown {
  let value = record
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined
    value = Reflect.get(value, segment)
  }
  return value
}

/**
 * The text of a record's key, or undefined when the value cannot be one. Integers beyond 2^53 are refused:
 * a double cannot tell them apart, and two keys would become one.
 */
export function keyText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return Number.isSafeInteger(value) ? String(value) : undefined
}

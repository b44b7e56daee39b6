/** JSON Pointers (RFC 6901) into a declaration and its schema. */

/** Segments of a pointer, unescaped, or undefined when the text is no pointer. `''` is the whole document. */
export function parsePointer(pointer: string): string[] | undefined {
  if (pointer === '') return []
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function escapeSegment(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** The value that a pointer names, looking only at own properties; undefined when there is none. */
export function resolvePointer(document: unknown, pointer: string): unknown {
  const segments = parsePointer(pointer)
  if (segments === undefined) return undefined
  let value = document
  for (const segment of segments) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined
    value = Reflect.get(value, segment)
  }
  return value
}

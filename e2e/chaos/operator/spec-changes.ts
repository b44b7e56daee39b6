/**
 * Changes of a spec that its schema suggests: each field at its bounds, beyond them, of a wrong type, left out. Pure.
 * Whether a change is allowed is not known here; the API server says it.
 */
import { isPlainObject } from '#operator/desired/hash.ts'

export interface SpecChange {
  /** `kafka.topic.partitions` */
  path: string
  /** Undefined: left out. */
  value: unknown
}

/** What the schema says about itself only to people, or what the API server cannot judge. */
const opaque = new Set(['record.schema', 'record.versions'])

export function changesOf(schema: unknown, path = ''): SpecChange[] {
  if (!isPlainObject(schema) || opaque.has(path)) return []
  const { properties } = schema
  const omitted = path === '' ? [] : [{ path, value: undefined }]
  if (!isPlainObject(properties))
    return [
      ...omitted,
      ...valuesOf(schema).map(value => ({ path, value })),
      { path, value: wrongType(schema) },
    ]
  const inner = Object.entries(properties).flatMap(([name, member]) =>
    changesOf(member, path === '' ? name : `${path}.${name}`),
  )
  return [...omitted, ...inner]
}

function valuesOf(schema: Record<string, unknown>): unknown[] {
  const { type, minimum, maximum, enum: allowed } = schema
  if (Array.isArray(allowed)) return [...allowed, 'Nonsense']
  if (type === 'boolean') return [true, false]
  if (type !== 'integer' || typeof minimum !== 'number' || typeof maximum !== 'number') return []
  return [minimum - 1, minimum, minimum + 1, Math.floor((minimum + maximum) / 2), maximum, maximum + 1]
}

const wrongType = ({ type }: Record<string, unknown>): unknown => (type === 'string' ? 5 : 'a word')

/** The spec with this change; objects on the way are made. */
export function changed(spec: object, { path, value }: SpecChange): object {
  const [first = '', ...rest] = path.split('.')
  const { [first]: member, ...others } = spec as Record<string, unknown>
  if (rest.length === 0) return value === undefined ? others : { ...others, [first]: value }
  const inner = isPlainObject(member) ? member : {}
  if (value === undefined && member === undefined) return spec
  return { ...others, [first]: changed(inner, { path: rest.join('.'), value }) }
}

/**
 * Specs in which every string that the schema knows may be what somebody else would have to pay for: names of other
 * namespaces, paths, addresses, templates, control characters. Pure; the seed of fast-check decides.
 */
import fc from 'fast-check'
import { isPlainObject } from '#operator/desired/hash.ts'

type Schema = Readonly<Record<string, unknown>>
/** From the root: names of members, `[]` for an item of a list, `{}` for a value and `{key}` for a key of a map. */
type Path = readonly string[]

export interface StringField {
  /** `gateway.cors.origins.[]` */
  path: string
  steps: Path
  schema: Schema
}

/** All strings below a schema, keys of maps included, but for those with a closed list of values. */
export function stringFields(schema: unknown, steps: Path = []): StringField[] {
  if (!isPlainObject(schema)) return []
  const { type, enum: closed, properties, items, additionalProperties: values } = schema
  const free = schema['x-kubernetes-int-or-string'] === true || (type === 'string' && closed === undefined)
  const own = free ? [fieldOf(steps, schema)] : []
  const members = isPlainObject(properties) ? Object.entries(properties) : []
  return [
    ...own,
    ...members.flatMap(([name, member]) => stringFields(member, [...steps, name])),
    ...stringFields(items, [...steps, '[]']),
    ...(isPlainObject(values) ? [fieldOf([...steps, '{key}'], values)] : []),
    ...stringFields(values, [...steps, '{}']),
  ]
}

const fieldOf = (steps: Path, schema: Schema): StringField => ({ path: steps.join('.'), steps, schema })

export interface Trap {
  /** A namespace that is not the tenant's. */
  namespace: string
  /** A Secret and a ConfigMap in it, and nowhere else. */
  object: string
  /** `host:port` where somebody listens who should never be called. */
  listener: string
}

/** What a string may be: hostile, or hostile as far as the field's pattern allows, or anything that it allows. */
export function hostileText({ schema }: StringField, trap: Trap): fc.Arbitrary<string> {
  const { pattern, maxLength } = schema
  const most = typeof maxLength === 'number' ? maxLength : Number.POSITIVE_INFINITY
  const shape = typeof pattern === 'string' ? new RegExp(pattern, 'u') : undefined
  const all = hostile(trap)
  const allowed = all.filter(text => text.length <= most && (shape?.test(text) ?? true))
  const conforming =
    shape === undefined ? fc.string({ maxLength: 64, unit: 'binary' }) : fc.stringMatching(shape)
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...(allowed.length > 0 ? allowed : all)) },
    { weight: 2, arbitrary: conforming.map(text => text.slice(0, most)) },
    { weight: 1, arbitrary: fc.constantFrom(...all) },
  )
}

const hostile = (trap: Trap): string[] => [...placesOf(trap), ...words]

/** Where a tenant has no business. */
function placesOf({ namespace, object, listener }: Trap): string[] {
  const [host = '', port = ''] = listener.split(':')
  const paths = [
    `${namespace}/${object}`,
    `../${namespace}/${object}`,
    `..%2f${namespace}%2f${object}`,
    `/api/v1/namespaces/${namespace}/secrets/${object}`,
  ]
  const addresses = [
    `${object}.${namespace}.svc`,
    `http://${listener}/x`,
    `https://${listener}/x`,
    `https://user:word@${listener}/`,
    listener,
  ]
  return [object, namespace, ...paths, ...addresses, host, port, `$(${object})`]
}

/** What means more to somebody than it says. */
const words = [
  ...['secret', 'Secret', 'secrets', 'default', 'kube-system', 'system:masters', 'cluster-admin'],
  ...["'; DROP TABLE records; --", '"', '`id`', '$(id)', '{{ .Values }}', '%00', '\u0000', '\u202e'],
  ...['__proto__', 'constructor', 'toString', '/__proto__', '/constructor/prototype'],
  ...['null', 'true', '0', '-1', '1e400', '\n---\nkind: Secret\n', ' ', '', '*', '/', '.', '..'],
  ...['a'.repeat(63), 'a'.repeat(300), 'é'.repeat(63), '10.0.0.0/8', '::1'],
]

/** The smallest spec with this text in this field; what must stand beside it is filled in. */
export function planted(schema: Schema, steps: Path, text: string): unknown {
  const [step, ...rest] = steps
  if (step === undefined) return text
  const { items, additionalProperties: values } = schema
  if (step === '[]') return [planted(asSchema(items), rest, text)]
  if (step === '{key}') return { [text]: smallest(asSchema(values)) }
  if (step === '{}') return { trap: planted(asSchema(values), rest, text) }
  const member = asSchema(asSchema(schema['properties'])[step])
  return { ...smallestObject(schema), [step]: planted(member, rest, text) }
}

function smallest(schema: Schema): unknown {
  const { type, enum: closed, default: usual, minimum, items, minItems } = schema
  if (usual !== undefined) return usual
  if (Array.isArray(closed)) return closed[0]
  if (type === 'integer' || type === 'number') return typeof minimum === 'number' ? minimum : 1
  if (type === 'boolean') return true
  if (type === 'array')
    return Array.from({ length: typeof minItems === 'number' ? minItems : 0 }, () =>
      smallest(asSchema(items)),
    )
  if (type === 'object') return smallestObject(schema)
  return wordOf(schema)
}

function smallestObject({ required, properties }: Schema): Record<string, unknown> {
  const names = Array.isArray(required) ? required.map(String) : []
  return Object.fromEntries(names.map(name => [name, smallest(asSchema(asSchema(properties)[name]))]))
}

/** The first of these that the pattern allows. */
const plainWords = ['word', '/word', 'https://word', '1Gi', '7d', '1']

function wordOf({ pattern }: Schema): string {
  const shape = typeof pattern === 'string' ? new RegExp(pattern, 'u') : /./u
  return plainWords.find(word => shape.test(word)) ?? 'word'
}

const asSchema = (value: unknown): Schema => (isPlainObject(value) ? value : {})

/** Both together; lists and plain values of the second win. */
export function merged(base: unknown, over: unknown): unknown {
  if (!isPlainObject(base) || !isPlainObject(over)) return over
  const both = Object.entries(over).map(([name, value]) => [
    name,
    Object.hasOwn(base, name) ? merged(base[name], value) : value,
  ])
  return { ...base, ...Object.fromEntries(both) }
}

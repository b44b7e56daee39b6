/**
 * Walks a record schema and names what is wrong with its keywords, each with the place. ajv would refuse most of it
 * too, but without a JSON Pointer, and it would accept what never ends or costs quadratic time.
 */

import type { RecordProblem } from './record-declaration.ts'
import { compilePattern, formats } from './record-patterns.ts'
import { escapeSegment, resolvePointer } from './record-pointers.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** What stands under a keyword. */
type KeywordKind = 'value' | 'schema' | 'list' | 'map'

/** The keywords of JSON Schema 2020-12 that a record schema may use; all others are refused. */
const keywords: ReadonlyMap<string, KeywordKind> = new Map([
  ...kind('value', '$schema $comment $ref title description default examples deprecated readOnly writeOnly'),
  ...kind('value', 'type enum const format pattern minLength maxLength contentEncoding contentMediaType'),
  ...kind('value', 'minimum maximum exclusiveMinimum exclusiveMaximum multipleOf'),
  ...kind('value', 'required minProperties maxProperties dependentRequired'),
  ...kind('value', 'minItems maxItems uniqueItems minContains maxContains'),
  ...kind(
    'schema',
    'additionalProperties propertyNames unevaluatedProperties items contains unevaluatedItems',
  ),
  ...kind('schema', 'not if then else'),
  ...kind('list', 'prefixItems allOf anyOf oneOf'),
  ...kind('map', '$defs definitions properties patternProperties dependentSchemas'),
])

/** What stands under a keyword: plain data, a schema, a list of schemas, or schemas by name. */
export const keywordKind = (keyword: string): KeywordKind => keywords.get(keyword) ?? 'value'

function kind(name: KeywordKind, words: string): [string, KeywordKind][] {
  return words.split(' ').map(word => [word, name])
}

const dialect = 'https://json-schema.org/draft/2020-12/schema'
/** Above this many items the comparison of each with each is too slow. */
const maxUniqueItems = 256
const scalarTypes: readonly unknown[] = ['string', 'integer', 'number', 'boolean', 'null']

/** A schema inside the schema, and where it stands in `spec.record`. */
interface Place {
  schema: JsonSchema
  pointer: string
}

type Check = (place: Place, root: JsonSchema) => RecordProblem | undefined

/** The rules for one schema object; each answers the first problem of its kind. */
const checks: readonly Check[] = [
  unknownKeyword,
  otherDialect,
  unknownFormat,
  brokenReference,
  slowUniqueItems,
  hiddenProperty,
]

/** Every problem with keywords, formats, patterns and references, in the order in which they stand. */
export function keywordProblems(root: JsonSchema): RecordProblem[] {
  return [...places({ schema: root, pointer: '/schema' })].flatMap(place => [
    ...checks.flatMap(check => check(place, root) ?? []),
    ...patternProblems(place),
  ])
}

function* places(place: Place): Generator<Place> {
  yield place
  for (const child of children(place)) yield* places(child)
}

function children({ schema, pointer }: Place): Place[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const below = `${pointer}/${escapeSegment(keyword)}`
    const holds = keywordKind(keyword)
    if (holds === 'value') return []
    if (holds === 'schema') return isSchema(value) ? [{ schema: value, pointer: below }] : []
    if (holds === 'list' ? !Array.isArray(value) : !isSchema(value)) return []
    return Object.entries(Object(value)).flatMap(([name, child]) =>
      isSchema(child) ? [{ schema: child, pointer: `${below}/${escapeSegment(name)}` }] : [],
    )
  })
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknownKeyword({ schema, pointer }: Place): RecordProblem | undefined {
  const unknown = Object.keys(schema).find(keyword => !keywords.has(keyword))
  if (unknown === undefined) return undefined
  const remedy = unknown.startsWith('$')
    ? `keep shared parts under $defs and point to them with {"$ref": "#/$defs/NAME"}`
    : 'correct its spelling or take it out; data that describes itself belongs in description or $comment'
  return {
    pointer: `${pointer}/${escapeSegment(unknown)}`,
    message: `the keyword ${quote(unknown)} is not supported: ${remedy}`,
  }
}

function otherDialect({ schema, pointer }: Place): RecordProblem | undefined {
  if (schema.$schema === undefined) return undefined
  if (pointer === '/schema' && String(schema.$schema).replace(/#$/, '') === dialect) return undefined
  return {
    pointer: `${pointer}/$schema`,
    message: `only ${dialect}, at the top, is supported: take $schema out`,
  }
}

function unknownFormat({ schema, pointer }: Place): RecordProblem | undefined {
  const format = schema.format
  if (typeof format !== 'string' || Object.hasOwn(formats, format)) return undefined
  const known = Object.keys(formats).join(', ')
  return {
    pointer: `${pointer}/format`,
    message: `the format ${quote(format)} is not supported: use one of ${known}, or a pattern`,
  }
}

function brokenReference({ schema, pointer }: Place, root: JsonSchema): RecordProblem | undefined {
  const reference = schema.$ref
  if (typeof reference !== 'string' || referenced(root, reference) !== undefined) return undefined
  return {
    pointer: `${pointer}/$ref`,
    message: `${quote(reference)} points to nothing: references stay inside the schema, for example #/$defs/NAME`,
  }
}

function slowUniqueItems({ schema, pointer }: Place): RecordProblem | undefined {
  if (schema.uniqueItems !== true) return undefined
  const items = schema.items
  const types = isSchema(items) && items.type !== undefined ? [items.type].flat() : []
  const isScalar = types.length > 0 && types.every(type => scalarTypes.includes(type))
  const maxItems = schema.maxItems
  if (isScalar || (typeof maxItems === 'number' && maxItems <= maxUniqueItems)) return undefined
  return {
    pointer: `${pointer}/uniqueItems`,
    message: `comparing every item with every other is too slow: give items one scalar type or maxItems of at most ${maxUniqueItems}`,
  }
}

function hiddenProperty({ schema, pointer }: Place): RecordProblem | undefined {
  const properties = schema.properties
  if (!isSchema(properties) || !Object.hasOwn(properties, '__proto__')) return undefined
  return {
    pointer: `${pointer}/properties/__proto__`,
    message: 'a property cannot be named __proto__: rename it',
  }
}

function patternProblems({ schema, pointer }: Place): RecordProblem[] {
  const pattern = schema.pattern
  const named = isSchema(schema.patternProperties) ? Object.keys(schema.patternProperties) : []
  return [
    ...(typeof pattern === 'string' ? [{ pointer: `${pointer}/pattern`, pattern }] : []),
    ...named.map(name => ({ pointer: `${pointer}/patternProperties/${escapeSegment(name)}`, pattern: name })),
  ].flatMap(({ pointer: place, pattern: text }) => {
    const reason = refusal(text)
    if (reason === undefined) return []
    const remedy = 'write it without look-around and back-references, with repeats of at most 1000'
    return [
      { pointer: place, message: `the pattern cannot be matched in linear time (${reason}): ${remedy}` },
    ]
  })
}

function refusal(pattern: string): string | undefined {
  try {
    compilePattern(pattern)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The schema a `$ref` points to, or undefined. Only references inside the same schema exist. */
export function referenced(root: JsonSchema, reference: string): JsonSchema | boolean | undefined {
  if (!reference.startsWith('#')) return undefined
  const target = resolvePointer(root, decoded(reference.slice(1)))
  return isSchema(target) || typeof target === 'boolean' ? target : undefined
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}

/** As a message shows a text of the user; a long one is cut. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

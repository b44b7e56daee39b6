/**
 * Turns a TypeBox schema into the structural OpenAPI v3 schema that a CustomResourceDefinition may hold. Pure.
 * It knows a short list of keywords. Any other, and any that the API server would refuse or silently drop, is an error
 * that names the place and what to write instead: nothing of the source may be lost on the way.
 */
import { RE2JS } from 're2js'

/** A structural schema, ready to be printed as JSON or YAML. */
export type Structural = { [keyword: string]: unknown }
type Schema = Readonly<Record<string, unknown>>

interface Node {
  schema: Schema
  /** Where the schema stands, for example `spec.record.key`. */
  path: string
}

/** A schema that a CustomResourceDefinition cannot hold. */
export class NotStructural extends Error {
  constructor(path: string, problem: string) {
    super(`${path || 'the root'}: ${problem}`)
  }
}

/** Converts a schema. Throws NotStructural. */
export function structural(schema: object, path = ''): Structural {
  const node: Node = { schema: { ...schema }, path }
  requireType(node)
  const converted = Object.entries(node.schema).map(([keyword, value]) => {
    const convert = keywords[keyword]
    if (!convert)
      throw new NotStructural(path, `unknown keyword '${keyword}': the API server would drop or refuse it`)
    return convert(value, node, keyword)
  })
  return Object.assign({}, ...converted)
}

type Convert = (value: unknown, node: Node, keyword: string) => Structural

const keep: Convert = (value, _node, keyword) => ({ [keyword]: value })

const onlyWhen =
  (allowed: (value: unknown) => boolean, remedy: string): Convert =>
  (value, node, keyword) => {
    if (!allowed(value))
      throw new NotStructural(node.path, `'${keyword}: ${JSON.stringify(value)}': ${remedy}`)
    return { [keyword]: value }
  }

const refuse = (remedy: string): Convert => onlyWhen(() => false, remedy)

const types = ['object', 'array', 'string', 'integer', 'number', 'boolean']
/** Formats the API server checks; it ignores every other without a word. */
const formats = [
  'date-time',
  'date',
  'duration',
  'int32',
  'int64',
  'float',
  'double',
  'byte',
  'uuid',
  'uri',
  'ipv4',
  'ipv6',
]
const ruleKeys = ['rule', 'message', 'messageExpression', 'reason', 'fieldPath', 'optionalOldSelf']

/** Every keyword we know. The order of keywords in the output is that of the source. */
const keywords: Readonly<Record<string, Convert>> = {
  description: keep,
  default: keep,
  type: onlyWhen(
    isKnownType,
    `use one of ${types.join(', ')}; a field that may be null is an optional field`,
  ),
  enum: onlyWhen(isListOfStrings, 'an enum is a list of strings'),
  format: onlyWhen(
    value => formats.includes(String(value)),
    `the API server checks only ${formats.join(', ')}`,
  ),
  pattern: onlyWhen(compiles, 'write it in RE2 syntax as text (no lookaround, no back-reference)'),
  minLength: keep,
  maxLength: keep,
  minimum: keep,
  maximum: keep,
  multipleOf: keep,
  exclusiveMinimum: exclusive('minimum'),
  exclusiveMaximum: exclusive('maximum'),
  minItems: keep,
  maxItems: keep,
  minProperties: keep,
  maxProperties: keep,
  items: convertItems,
  properties: convertProperties,
  required: convertRequired,
  additionalProperties: convertAdditionalProperties,
  uniqueItems: onlyWhen(value => value === false, "use 'x-kubernetes-list-type: set'"),
  'x-kubernetes-preserve-unknown-fields': onlyWhen(isTrue, 'leave it out'),
  'x-kubernetes-int-or-string': onlyWhen(isTrue, 'leave it out'),
  'x-kubernetes-embedded-resource': onlyWhen(isTrue, 'leave it out'),
  'x-kubernetes-map-type': onlyWhen(
    value => value === 'atomic' || value === 'granular',
    'use atomic or granular',
  ),
  'x-kubernetes-list-type': convertListType,
  'x-kubernetes-list-map-keys': onlyWhen(isListOfStrings, 'name the properties that identify an item'),
  'x-kubernetes-validations': onlyWhen(
    areRules,
    `each rule needs rule and message, and knows only ${ruleKeys.join(', ')}`,
  ),
  $ref: refuse('write the schema out in place'),
  $schema: refuse('leave it out'),
  $id: refuse('leave it out'),
  $defs: refuse('write the schemas out in place'),
  definitions: refuse('write the schemas out in place'),
  const: refuse("use Type.Unsafe<'A'>({ type: 'string', enum: ['A'] })"),
  anyOf: refuse(
    "for literals use Type.Unsafe<'A' | 'B'>({ type: 'string', enum: ['A', 'B'] }), else a rule in CEL",
  ),
  oneOf: refuse('use a rule in CEL'),
  allOf: refuse('write one object'),
  not: refuse('use a rule in CEL'),
  if: refuse('use a rule in CEL'),
  else: refuse('use a rule in CEL'),
  patternProperties: refuse(
    "use Type.Unsafe<Record<string, T>>({ type: 'object', additionalProperties: … })",
  ),
  propertyNames: refuse('use a rule in CEL'),
  dependencies: refuse('use a rule in CEL'),
  dependentRequired: refuse('use a rule in CEL'),
  dependentSchemas: refuse('use a rule in CEL'),
  additionalItems: refuse('use items'),
  prefixItems: refuse('use items'),
  contains: refuse('use a rule in CEL'),
  examples: refuse('put the example into the description'),
  readOnly: refuse('say it in the description'),
  writeOnly: refuse('say it in the description'),
}

function requireType({ schema, path }: Node): void {
  if (schema['x-kubernetes-int-or-string'] === true) {
    if (schema['type'] !== undefined)
      throw new NotStructural(path, "'x-kubernetes-int-or-string' stands without a type")
    return
  }
  if (schema['type'] !== undefined || schema['x-kubernetes-preserve-unknown-fields'] === true) return
  const refused = Object.keys(schema).find(keyword => refusedInsteadOfType.has(keyword))
  if (!refused) throw new NotStructural(path, 'no type: a structural schema names the type of every field')
}

/** Keywords that come without a type and have a better message than its absence. */
const refusedInsteadOfType = new Set(['$ref', 'const', 'anyOf', 'oneOf', 'allOf', 'not'])

function isKnownType(value: unknown): boolean {
  return typeof value === 'string' && types.includes(value)
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'string')
}

function isTrue(value: unknown): boolean {
  return value === true
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function compiles(pattern: unknown): boolean {
  if (typeof pattern !== 'string') return false
  try {
    RE2JS.compile(pattern)
    return true
  } catch {
    return false
  }
}

function areRules(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      rule =>
        isObject(rule) &&
        typeof rule['rule'] === 'string' &&
        typeof rule['message'] === 'string' &&
        Object.keys(rule).every(key => ruleKeys.includes(key)),
    )
  )
}

/** JSON Schema 2020-12 gives the bound as a number, OpenAPI 3.0 as a mark beside the inclusive bound. */
function exclusive(bound: 'minimum' | 'maximum'): Convert {
  return (value, node, keyword) => {
    if (typeof value !== 'number' || node.schema[bound] !== undefined)
      throw new NotStructural(node.path, `'${keyword}' must be a number and stand without '${bound}'`)
    return { [bound]: value, [keyword]: true }
  }
}

function convertItems(value: unknown, node: Node): Structural {
  if (!isObject(value)) throw new NotStructural(node.path, "'items' must be one schema for all items")
  return { items: structural(value, `${node.path}[]`) }
}

function convertProperties(value: unknown, node: Node): Structural {
  if (!isObject(value)) throw new NotStructural(node.path, "'properties' must be a map of schemas")
  const converted = Object.entries(value).map(([name, schema]) => {
    const path = node.path ? `${node.path}.${name}` : name
    if (!isObject(schema)) throw new NotStructural(path, 'must be a schema')
    return [name, structural(schema, path)]
  })
  return { properties: Object.fromEntries(converted) }
}

/** A field with a default is always there after the API server, so a user need not write it. */
function convertRequired(value: unknown, node: Node): Structural {
  const properties = isObject(node.schema['properties']) ? node.schema['properties'] : {}
  if (!Array.isArray(value)) throw new NotStructural(node.path, "'required' must be a list of names")
  const unknown = value.filter(name => !(name in properties))
  if (unknown.length > 0)
    throw new NotStructural(node.path, `'required' names no property: ${unknown.join(', ')}`)
  const required = value.filter(name => !hasDefault(properties[name]))
  return required.length > 0 ? { required } : {}
}

function hasDefault(schema: unknown): boolean {
  return isObject(schema) && schema['default'] !== undefined
}

function convertAdditionalProperties(value: unknown, node: Node): Structural {
  if (!isObject(value))
    throw new NotStructural(
      node.path,
      `'additionalProperties: ${String(value)}': leave it out; strict validation refuses unknown fields already`,
    )
  if (node.schema['properties'] !== undefined)
    throw new NotStructural(node.path, "'additionalProperties' cannot stand together with 'properties'")
  return { additionalProperties: structural(value, `${node.path}{}`) }
}

function convertListType(value: unknown, node: Node, keyword: string): Structural {
  const keys = node.schema['x-kubernetes-list-map-keys']
  if (value !== 'atomic' && value !== 'set' && value !== 'map')
    throw new NotStructural(node.path, `'${keyword}' must be atomic, set or map`)
  if ((value === 'map') !== (keys !== undefined))
    throw new NotStructural(
      node.path,
      `'x-kubernetes-list-map-keys' stands with '${keyword}: map', and only there`,
    )
  if (value === 'map') requireKeysOfItems(node, keys)
  return { [keyword]: value }
}

function requireKeysOfItems({ schema, path }: Node, keys: unknown): void {
  const items = isObject(schema['items']) ? schema['items'] : {}
  const properties = isObject(items['properties']) ? items['properties'] : {}
  const required = Array.isArray(items['required']) ? items['required'] : []
  const missing = (Array.isArray(keys) ? keys : []).filter(
    key => !(required.includes(key) || hasDefault(properties[String(key)])),
  )
  if (missing.length > 0)
    throw new NotStructural(path, `list-map-keys must be required or have a default: ${missing.join(', ')}`)
}

/** Whether two schemas say the same, and what a schema says through its references. Pure. */
import { isSchema, type JsonSchema, keywordKind, referenced } from './record-keywords.ts'

/** Keywords that let no record in or out. */
const annotations: ReadonlySet<string> = new Set([
  ...['$schema', '$comment', 'title', 'description', 'default', 'examples', 'deprecated'],
  ...['readOnly', 'writeOnly', 'contentEncoding', 'contentMediaType', '$defs', 'definitions'],
])

/** The outermost schemas, in which references are looked up. */
export interface Roots {
  before: JsonSchema
  after: JsonSchema
}

/** A schema without the keywords that decide nothing. */
function deciding(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !annotations.has(keyword)))
}

/** Follows a schema that is nothing but a reference. Cycles of such references are refused before we get here. */
export function followed(root: JsonSchema, schema: JsonSchema): JsonSchema {
  const { $ref, ...others } = deciding(schema)
  if (typeof $ref !== 'string' || Object.keys(others).length > 0) return schema
  const target = referenced(root, $ref)
  if (isSchema(target)) return followed(root, target)
  return target === true ? {} : { not: {} }
}

/** True when both say the same word for word, without looking at annotations, and so does all that they refer to. */
export function saysTheSame(before: unknown, after: unknown, roots: Roots): boolean {
  const checked = new Set<string>()
  const pending: [unknown, unknown][] = [[before, after]]
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    const [left, right] = pair
    if (canonical(left) !== canonical(right)) return false
    for (const reference of references(left)) {
      if (checked.has(reference)) continue
      checked.add(reference)
      pending.push([referenced(roots.before, reference), referenced(roots.after, reference)])
    }
  }
  return true
}

/** The text of a schema, with sorted keywords and without annotations. */
function canonical(schema: unknown): string {
  if (!isSchema(schema)) return JSON.stringify(schema) ?? 'nothing'
  const parts = Object.entries(deciding(schema))
    .sort(byName)
    .map(([keyword, value]) => `${JSON.stringify(keyword)}:${canonicalValue(keyword, value)}`)
  return `{${parts.join(',')}}`
}

function canonicalValue(keyword: string, value: unknown): string {
  const kind = keywordKind(keyword)
  if (kind === 'schema') return canonical(value)
  if (kind === 'list' && Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (kind === 'map' && isSchema(value)) {
    const members = Object.entries(value).sort(byName)
    return `{${members.map(([name, child]) => `${JSON.stringify(name)}:${canonical(child)}`).join(',')}}`
  }
  return canonicalData(value)
}

/** Plain data as text, whatever the order of its members. */
export function canonicalData(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalData).join(',')}]`
  if (!isSchema(value)) return JSON.stringify(value) ?? 'nothing'
  const members = Object.entries(value).sort(byName)
  return `{${members.map(([name, child]) => `${JSON.stringify(name)}:${canonicalData(child)}`).join(',')}}`
}

/** Every `$ref` inside; a look-alike in plain data only makes the comparison stricter. */
function* references(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [name, child] of Object.entries(value)) {
    if (name === '$ref' && typeof child === 'string') yield child
    else yield* references(child)
  }
}

const byName = ([left]: [string, unknown], [right]: [string, unknown]): number => (left < right ? -1 : 1)

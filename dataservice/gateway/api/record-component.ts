/** The record's schema as a component of the document. Pure. */
import { isSchema, type JsonSchema, keywordKind } from '#dataservice/contract/record-keywords.ts'
import type { Json, ServiceFacts } from './table.ts'

const place = '#/components/schemas/Record'

/** The schema with its references led to where it stands in the document. */
export function recordComponent(schema: JsonSchema): Json {
  const { $schema: _, ...rest } = schema
  return moved(rest)
}

function moved(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema).map(([keyword, value]) => [keyword, movedValue(keyword, value)])
  return Object.fromEntries(entries)
}

function movedValue(keyword: string, value: unknown): unknown {
  if (keyword === '$ref' && typeof value === 'string') return place + value.slice(1)
  const kind = keywordKind(keyword)
  if (kind === 'schema' && isSchema(value)) return moved(value)
  if (kind === 'list' && Array.isArray(value)) return value.map(each => (isSchema(each) ? moved(each) : each))
  if (kind === 'map' && isSchema(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, child]) => [name, isSchema(child) ? moved(child) : child]),
    )
  return value
}

/** The first of the schema's own examples that the service would take. */
export function recordExample({ declaration: { schema }, record }: ServiceFacts): unknown {
  const own: readonly unknown[] = Array.isArray(schema['examples']) ? schema['examples'] : []
  return own.find(example => record.check(example) === undefined)
}

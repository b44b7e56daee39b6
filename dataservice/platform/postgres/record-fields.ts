/** How a field of a record is read in SQL. An index and the queries that use it must spell it alike. */
import { indexUses } from '#dataservice/contract/index-uses.ts'
import type {
  DeclaredIndex,
  IndexedField,
  IndexUse,
  ScalarType,
} from '#dataservice/contract/record-declaration.ts'
import { pageOrder, type TableKind } from './partitions.ts'

/** The type by which Postgres compares a field. Whole numbers may be written `1e2` in JSON: numeric reads them. */
export const comparedAs: Readonly<Record<ScalarType, string>> = {
  string: 'text',
  integer: 'numeric',
  number: 'numeric',
  boolean: 'boolean',
}

/** The typed value of a field: NULL when it is absent or `null`. In parentheses, ready for an index or a condition. */
export function fieldExpression({ path, type }: Pick<IndexedField, 'path' | 'type'>): string {
  const text = `(body #>> ${textArrayLiteral(path)})`
  return type === 'string' ? `(${text} COLLATE "C")` : `(${text}::${comparedAs[type]})`
}

interface IndexMethod {
  using: string
  /** Storage parameters, also of partitions that are made later. */
  options: string
  /** Postgres takes the index only when it knows how the values lie in the table. */
  needsStatistics: boolean
}

/**
 * A BRIN index has the least and the greatest value of each 32 pages (256 KiB). What came since autovacuum summarized
 * pages last is read whole.
 */
export const indexMethods: Readonly<Record<IndexUse, IndexMethod>> = {
  Lookup: { using: 'btree', options: '', needsStatistics: false },
  Range: {
    using: 'brin',
    options: ' WITH (pages_per_range = 32, autosummarize = on)',
    needsStatistics: true,
  },
}

/** What stands behind the table where a declared index is made: its method and columns. */
export function indexDefinition(
  { use, fields }: Pick<DeclaredIndex, 'use' | 'fields'>,
  by: TableKind,
): string {
  const { using, options } = indexMethods[use]
  const columns = [...fields.map(fieldExpression), ...(indexUses[use].isOrdered ? pageOrder[by] : [])]
  return `USING ${using} (${columns.join(', ')})${options}`
}

/** `'{"a","b"}'`: statements that make indexes take no parameters. */
function textArrayLiteral(elements: readonly string[]): string {
  const quoted = elements.map(element => `"${element.replace(/["\\]/g, '\\$&')}"`).join(',')
  return `'{${quoted.replaceAll("'", "''")}}'`
}

/** An identifier in double quotes. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

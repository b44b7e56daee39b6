/** How a field of a record is read in SQL. An index and the queries that use it must spell it alike. */
import type { DeclaredIndex, IndexedField, ScalarType } from '#dataservice/contract/record-declaration.ts'
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

/** The columns of a declared index: its fields, then the columns by which pages are ordered. */
export function indexColumns({ fields }: Pick<DeclaredIndex, 'fields'>, by: TableKind): string {
  return [...fields.map(fieldExpression), ...pageOrder[by]].join(', ')
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

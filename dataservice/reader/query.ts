/** The SQL of the reader; text and parameters only. */
import { type Partitioning, pageOrder } from '#dataservice/platform/postgres/partitions.ts'
import { comparedAs, fieldExpression } from '#dataservice/platform/postgres/record-fields.ts'
import type { Parameter, Statement } from '#dataservice/platform/postgres/session.ts'
import { lowestUuid7 } from '#dataservice/record/uuid7.ts'
import type { PagePlace } from './cursor.ts'
import type { Condition, Operator, PageQuestion } from './parameters.ts'

/** Bodies of one page; what is beyond comes with the next. */
export const maxPageBytes = 8 * 1024 * 1024

const acceptedAt = `to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
const preciseTime = `to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** Columns: id, time, schema version, body. Planned for this very id, so that only its partition is locked. */
export function recordStatement(id: string): Statement {
  return {
    name: 'record',
    text: `SELECT id, ${acceptedAt}, schema_version, body FROM records WHERE id = $1`,
    values: [id],
  }
}

export interface PageStart {
  question: PageQuestion
  limit: number
  /** The page starts below this place. */
  before?: PagePlace
}

type Parameters = (value: Parameter) => string

/** How records are ordered, and how a bound in time or in the order is written. */
interface PageOrder {
  columns: string
  /** At or after a moment, or before it; milliseconds since 1970. */
  time(comparison: '>=' | '<', milliseconds: number, parameter: Parameters): string
  below(place: PagePlace, parameter: Parameters): string
}

const orders: Readonly<Record<Partitioning['by'], PageOrder>> = {
  // The id carries the time.
  Time: {
    columns: newestFirst('Time'),
    time: (comparison, milliseconds, parameter) => `id ${comparison} ${parameter(lowestUuid7(milliseconds))}`,
    below: ({ id }, parameter) => `id < ${parameter(id)}`,
  },
  Hash: {
    columns: newestFirst('Hash'),
    time: (comparison, milliseconds, parameter) =>
      `accepted_at ${comparison} ${parameter(new Date(milliseconds).toISOString())}`,
    below: ({ id, acceptedAt = '' }, parameter) =>
      `(${pageOrder.Hash.join(', ')}) < (${parameter(acceptedAt)}, ${parameter(id)})`,
  },
}

function newestFirst(by: Partitioning['by']): string {
  return pageOrder[by].map(column => `${column} DESC`).join(', ')
}

/**
 * Columns: id, time, schema version, body, how many rows there were up to one beyond the limit, and the time to the
 * microsecond. Fewer rows come back when their bodies are too much for one page.
 */
export function pageStatement({ question, limit, before }: PageStart, by: Partitioning['by']): Statement {
  const values: Parameter[] = []
  const parameter = (value: Parameter): string => `$${values.push(value)}`
  const { columns, time, below } = orders[by]
  const terms = question.conditions.map(condition => conditionText(condition, parameter))
  if (question.from !== undefined) terms.push(time('>=', question.from, parameter))
  if (question.to !== undefined) terms.push(time('<', question.to, parameter))
  if (before !== undefined) terms.push(below(before, parameter))
  const where = terms.length > 0 ? ` WHERE ${terms.join(' AND ')}` : ''
  return {
    text: `SELECT id, ${acceptedAt}, schema_version, body, found, ${preciseTime} FROM (
SELECT *, count(*) OVER () AS found, sum(octet_length(body::text)) OVER (ORDER BY ${columns}) - octet_length(body::text) AS bytes
FROM (SELECT * FROM records${where} ORDER BY ${columns} LIMIT ${parameter(limit + 1)}) AS page
) AS sized WHERE bytes < ${maxPageBytes} ORDER BY ${columns}`,
    values,
  }
}

const comparisons: Readonly<Record<Operator, (left: string, right: string, type: string) => string>> = {
  eq: (left, right, type) => `${left} = ${right}::${type}`,
  in: (left, right, type) => `${left} = ANY(${right}::${type}[])`,
  gt: (left, right, type) => `${left} > ${right}::${type}`,
  gte: (left, right, type) => `${left} >= ${right}::${type}`,
  lt: (left, right, type) => `${left} < ${right}::${type}`,
  lte: (left, right, type) => `${left} <= ${right}::${type}`,
}

function conditionText(
  { field, operator, values }: Condition,
  parameter: (value: Parameter) => string,
): string {
  const value = operator === 'in' ? arrayText(values) : (values[0] ?? null)
  return comparisons[operator](fieldExpression(field), parameter(value), comparedAs[field.type])
}

/** An array in the text format of Postgres. */
function arrayText(values: readonly string[]): string {
  return `{${values.map(value => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}

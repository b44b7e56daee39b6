/** The SQL of the reader; text and parameters only. */
import { comparedAs, fieldExpression } from '#dataservice/platform/postgres/record-fields.ts'
import type { Parameter, Statement } from '#dataservice/platform/postgres/session.ts'
import { lowestUuid7 } from '#dataservice/record/uuid7.ts'
import type { Condition, Operator, PageQuestion } from './parameters.ts'

/** Bodies of one page; what is beyond comes with the next. */
export const maxPageBytes = 8 * 1024 * 1024

const acceptedAt = `to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

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
  /** The page starts below this id. */
  before?: string
}

/**
 * Columns: id, time, schema version, body, and how many rows there were up to one beyond the limit. Fewer rows
 * come back when their bodies are too much for one page.
 */
export function pageStatement({ question, limit, before }: PageStart): Statement {
  const values: Parameter[] = []
  const parameter = (value: Parameter): string => `$${values.push(value)}`
  const terms = question.conditions.map(condition => conditionText(condition, parameter))
  if (question.from !== undefined) terms.push(`id >= ${parameter(lowestUuid7(question.from))}`)
  if (question.to !== undefined) terms.push(`id < ${parameter(lowestUuid7(question.to))}`)
  if (before !== undefined) terms.push(`id < ${parameter(before)}`)
  const where = terms.length > 0 ? ` WHERE ${terms.join(' AND ')}` : ''
  return {
    text: `SELECT id, ${acceptedAt}, schema_version, body, found FROM (
SELECT *, count(*) OVER () AS found, sum(octet_length(body::text)) OVER (ORDER BY id DESC) - octet_length(body::text) AS bytes
FROM (SELECT * FROM records${where} ORDER BY id DESC LIMIT ${parameter(limit + 1)}) AS page
) AS sized WHERE bytes < ${maxPageBytes} ORDER BY id DESC`,
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

/** The SQL of the reader; text and parameters only. */
import type { Operator } from '#dataservice/contract/index-uses.ts'
import { pageOrder, type TableKind } from '#dataservice/platform/postgres/partitions.ts'
import { comparedAs, fieldExpression } from '#dataservice/platform/postgres/record-fields.ts'
import type { Parameter, Statement } from '#dataservice/platform/postgres/session.ts'
import { lowestUuid7 } from '#dataservice/record/uuid7.ts'
import type { PagePlace } from './cursor.ts'
import type { Selection } from './fields.ts'
import type { Condition, Narrowing, PageQuestion } from './parameters.ts'
import type { Spot } from './spots.ts'

/** Bodies of one page; what is beyond comes with the next. */
export const maxPageBytes = 8 * 1024 * 1024

const acceptedAt = `to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
const preciseTime = `to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

type Parameters = (value: Parameter) => string

/** Columns: id, time, schema version, then the body or what is selected of it (and perhaps all of it). */
function recordColumns(selection: Selection | undefined, parameter: Parameters): string {
  const cut = selection?.as === 'text' ? '#>>' : '#>'
  const body = selection?.paths.map(path => `body ${cut} ${parameter(arrayText(path))}::text[]`) ?? ['body']
  const newest = selection?.wholeUnless
  const whole = newest === undefined ? [] : [`CASE WHEN schema_version <> ${parameter(newest)} THEN body END`]
  return ['id', acceptedAt, 'schema_version', ...body, ...whole].join(', ')
}

/** Columns as above. With a spot it keeps its plan, else it is planned for this very id: either locks one partition. */
export const recordStatement: StatementOfId = (id, narrowing, spot) =>
  rowStatement('record', '', id, narrowing, spot)

/** A spot goes with the whole record only, whoever asks. */
export type StatementOfId = (id: string, narrowing?: Narrowing, spot?: Spot) => Statement

function rowStatement(
  name: string,
  before: string,
  id: string,
  { selection, own }: Narrowing = {},
  spot: Spot | undefined,
): Statement {
  const values: Parameter[] = [id]
  const parameter = (value: Parameter): string => `$${values.push(value)}`
  const columns = before + recordColumns(selection, parameter)
  const isOwn = own === undefined ? '' : ` AND ${ownText(own, parameter)}`
  if (spot === undefined) return { text: `SELECT ${columns} FROM records WHERE id = $1${isOwn}`, values }
  const text = `SELECT ${columns} FROM ${spot.table} WHERE id = $1 AND ${spot.condition}`
  return { name: `${name} ${spot.name}`, text, values }
}

/** Id of the record that stands for another one, which came under the same Idempotency-Key. */
export function winnerStatement(id: string, own?: string): Statement {
  return {
    name: 'winner',
    text: `SELECT winner FROM outcomes WHERE record_id = $1 AND outcome = 'duplicate' AND winner <> record_id
AND record_key = coalesce($2, record_key) ORDER BY decided_at DESC LIMIT 1`,
    values: [id, own ?? null],
  }
}

/** Columns: the version, whether it is deleted, then as above. For records that change. */
export const versionedStatement: StatementOfId = (id, narrowing, spot) =>
  rowStatement('versioned', 'version, body IS NULL, ', id, narrowing, spot)

const ownText = (own: string, parameter: Parameters): string => `key = ${parameter(own)}`

export interface PageStart {
  question: PageQuestion
  limit: number
  selection?: Selection
  /** The page starts behind this place. */
  after?: PagePlace
  /** Of all bodies; default: `maxPageBytes`. */
  maxBytes?: number
}

/** How records are ordered, and how a bound in time or in the order is written. */
interface PageOrder {
  columns: readonly string[]
  type: string
  /** At or after a moment, or before it; milliseconds since 1970. */
  time(comparison: '>=' | '<', milliseconds: number, parameter: Parameters): string
  beyond(comparison: '>' | '<', place: PagePlace, parameter: Parameters): string
}

/** Ids tell nothing of time. */
const byAcceptance: PageOrder = {
  columns: pageOrder.Hash,
  type: 'text',
  time: (comparison, milliseconds, parameter) =>
    `accepted_at ${comparison} ${parameter(new Date(milliseconds).toISOString())}`,
  beyond: (comparison, { id, acceptedAt = '' }, parameter) =>
    `(${pageOrder.Hash.join(', ')}) ${comparison} (${parameter(acceptedAt)}, ${parameter(id)})`,
}

const orders: Readonly<Record<TableKind, PageOrder>> = {
  // The id carries the time.
  Time: {
    columns: pageOrder.Time,
    type: 'uuid',
    time: (comparison, milliseconds, parameter) => `id ${comparison} ${parameter(lowestUuid7(milliseconds))}`,
    beyond: (comparison, { id }, parameter) => `id ${comparison} ${parameter(id)}`,
  },
  Hash: byAcceptance,
  Upsert: byAcceptance,
}

/** A deleted record keeps its row. */
const isThere: Readonly<Record<TableKind, string>> = { Time: '', Hash: '', Upsert: 'body IS NOT NULL' }

/** What a page is cut from: conditions, and the order of its rows. */
interface Scope {
  where: string
  order: string
}

function scope(
  { conditions, from, to, ids, order, own }: PageQuestion,
  after: PagePlace | undefined,
  by: TableKind,
  parameter: Parameters,
): Scope {
  const { columns, type, time, beyond } = orders[by]
  const terms = own === undefined ? [] : [ownText(own, parameter)]
  if (isThere[by]) terms.push(isThere[by])
  if (ids !== undefined) {
    const rest = ids.slice(after === undefined ? 0 : ids.indexOf(after.id) + 1)
    const array = `${parameter(arrayText(rest))}::${type}[]`
    const where = ` WHERE ${[...terms, `id = ANY(${array})`].join(' AND ')}`
    return { where, order: `array_position(${array}, id)` }
  }
  terms.push(...conditions.map(condition => conditionText(condition, parameter)))
  if (from !== undefined) terms.push(time('>=', from, parameter))
  if (to !== undefined) terms.push(time('<', to, parameter))
  if (after !== undefined) terms.push(beyond(order === 'asc' ? '>' : '<', after, parameter))
  return {
    where: terms.length > 0 ? ` WHERE ${terms.join(' AND ')}` : '',
    order: columns.map(column => `${column} ${order === 'asc' ? 'ASC' : 'DESC'}`).join(', '),
  }
}

/**
 * Columns: how many rows there were up to one beyond the limit, the time to the microsecond, then those of a record.
 * Fewer rows come back when their bodies are too much for one page.
 */
export function pageStatement(
  { question, limit, selection, after, maxBytes = maxPageBytes }: PageStart,
  by: TableKind,
): Statement {
  const values: Parameter[] = []
  const parameter = (value: Parameter): string => `$${values.push(value)}`
  const { where, order } = scope(question, after, by, parameter)
  const rows = `SELECT * FROM records${where} ORDER BY ${order} LIMIT ${parameter(limit + 1)}`
  return {
    text: `SELECT found, ${preciseTime}, ${recordColumns(selection, parameter)} FROM (
SELECT *, count(*) OVER () AS found, sum(octet_length(body::text)) OVER (ORDER BY ${order}) - octet_length(body::text) AS bytes
FROM (${rows}) AS page
) AS sized WHERE bytes < ${maxBytes} ORDER BY ${order}`,
    values,
  }
}

/** Records counted one by one; what is beyond is not looked at. */
export const maxCounted = 10_000

/** One row: the number of records of a question, at most one beyond `maxCounted`. */
export function countStatement(question: PageQuestion, by: TableKind): Statement {
  const values: Parameter[] = []
  const { where } = scope(question, undefined, by, value => `$${values.push(value)}`)
  return {
    text: `SELECT count(*) FROM (SELECT FROM records${where} LIMIT ${maxCounted + 1}) AS counted`,
    values,
  }
}

/** One row: the plan as JSON, whose first node tells how many rows the planner expects. */
export function estimateStatement(question: PageQuestion, by: TableKind): Statement {
  const values: Parameter[] = []
  const { where } = scope(question, undefined, by, value => `$${values.push(value)}`)
  return { text: `EXPLAIN (FORMAT JSON) SELECT FROM records${where}`, values }
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

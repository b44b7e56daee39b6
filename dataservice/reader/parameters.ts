/** Query parameters to a typed question, or to what is wrong with them. */
import { indexUses, type Operator, operators } from '#dataservice/contract/index-uses.ts'
import { pageLimits as limits, reservedParameters as reserved } from '#dataservice/contract/page-limits.ts'
import type { DeclaredIndex, IndexedField, ScalarType } from '#dataservice/contract/record-declaration.ts'
import type { InputError } from '#dataservice/platform/http/problems.ts'
import { parseFields, type Selection } from './fields.ts'
import { idsOfQuery } from './ids.ts'

/** One comparison. Values are texts that Postgres reads as the field's type; only `in` has several. */
export interface Condition {
  field: IndexedField
  operator: Operator
  values: readonly string[]
}

/** What a page is about, apart from where it starts. */
export interface PageQuestion {
  conditions: readonly Condition[]
  /** Milliseconds since 1970: records accepted at or after. */
  from?: number
  /** Milliseconds since 1970: records accepted before. */
  to?: number
  /** Absent: newest first. */
  order?: 'asc'
  /** These records and no others, in this order; without any of the above. */
  ids?: readonly string[]
  /** Records of this key and no others, whatever else is asked. */
  own?: string
}

/** What is less than a whole record, or than all of them. */
export interface Narrowing {
  selection?: Selection | undefined
  /** Only if the record has this key. */
  own?: string | undefined
}

const counts = ['exact', 'estimate'] as const

export interface PageRequest {
  question: PageQuestion
  limit: number
  cursor?: string
  selection?: Selection
  /** Whether the answer should say how many records the question has. */
  count?: (typeof counts)[number]
}

export type Parsed =
  | { kind: 'request'; request: PageRequest }
  | { kind: 'refused'; errors: readonly InputError[] }

type Reserved = (typeof reserved)[number]

/** Whether a parameter of this very name is no field. */
export const isReserved = (name: string): boolean => reserved.some(each => each === name)

type Named = ReadonlyMap<Reserved, string>

/** Parses the query of `GET /data` (what stands behind `?`) against the declared indexes. */
export function parseQuery(search: string, indexes: readonly DeclaredIndex[]): Parsed {
  const errors: InputError[] = []
  const named = new Map<Reserved, string>()
  const conditions = new Map<string, Condition>()
  for (const [parameter, value] of new URLSearchParams(search)) {
    const name = reserved.find(each => each === parameter)
    if (name === undefined) addCondition(parameter, value, { indexes, conditions, errors })
    else if (named.has(name) && name !== 'id') errors.push({ parameter, message: 'may stand only once' })
    else named.set(name, value)
  }
  const parsed = [...conditions.values()]
  const request = named.has('id')
    ? requestByIds(search, named, parsed, errors)
    : requestByFields(named, parsed, errors)
  if (errors.length === 0 && !isCovered(parsed, indexes)) errors.push(uncovered(parsed, indexes))
  return errors.length > 0 ? { kind: 'refused', errors } : { kind: 'request', request }
}

function requestByFields(named: Named, conditions: readonly Condition[], errors: InputError[]): PageRequest {
  const from = parseTime('from', named.get('from'), errors)
  const to = parseTime('to', named.get('to'), errors)
  const order = parseWord('order', named.get('order'), ['asc', 'desc'], errors)
  const count = parseWord('count', named.get('count'), counts, errors)
  const question = {
    conditions,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(order === 'asc' && { order }),
  }
  return {
    question,
    limit: parseLimit(named.get('limit'), errors),
    ...common(named, errors),
    ...(count && { count }),
  }
}

/** What may stand beside `id`. */
const besideIds: readonly string[] = ['id', 'cursor', 'fields'] satisfies Reserved[]

function requestByIds(
  search: string,
  named: Named,
  conditions: readonly Condition[],
  errors: InputError[],
): PageRequest {
  const ids = [...new Set(idsOfQuery(search))]
  if (ids.length > limits.ids)
    errors.push({ parameter: 'id', message: `may have ${limits.ids} ids: ask for the others by themselves` })
  if (ids.length === 0) errors.push({ parameter: 'id', message: 'must name ids, separated by commas' })
  const others = [...named.keys(), ...conditions.map(({ field }) => field.parameter)]
  for (const parameter of others.filter(name => !besideIds.includes(name)))
    errors.push({ parameter, message: 'cannot stand beside id' })
  return { question: { conditions: [], ids }, limit: limits.ids, ...common(named, errors) }
}

function common(named: Named, errors: InputError[]): Pick<PageRequest, 'cursor' | 'selection'> {
  const cursor = named.get('cursor')
  const selection = parseSelection(named.get('fields'), errors)
  return { ...(cursor !== undefined && { cursor }), ...(selection && { selection }) }
}

/** The selection of `fields=`; what is wrong with it goes to `errors`. */
export function parseSelection(text: string | undefined, errors: InputError[]): Selection | undefined {
  if (text === undefined) return undefined
  const parsed = parseFields(text)
  if (parsed.kind === 'selection') return parsed.selection
  errors.push({ parameter: 'fields', message: parsed.message })
  return undefined
}

/** The same text for the same question, however its parameters were ordered. */
export function canonicalQuestion({ conditions, from, to, order, ids, own }: PageQuestion): string {
  const parts = conditions.map(({ field, operator, values }) => [
    field.parameter,
    operator,
    ...[...values].sort(),
  ])
  const texts = parts.map(part => JSON.stringify(part)).sort()
  // What is not there takes no place, so that cursors of older readers stay valid.
  const others = [...(order ? [order] : []), ...(ids ? [ids] : []), ...(own === undefined ? [] : [{ own }])]
  return JSON.stringify([texts, from ?? null, to ?? null, ...others])
}

interface Collected {
  indexes: readonly DeclaredIndex[]
  conditions: Map<string, Condition>
  errors: InputError[]
}

function addCondition(parameter: string, value: string, { indexes, conditions, errors }: Collected): void {
  const [, name, operator] = /^(.*?)(?:\[([a-z]+)\])?$/s.exec(parameter) ?? []
  const field = indexes.flatMap(({ fields }) => fields).find(each => each.parameter === name)
  const known = operators.find(each => each === (operator ?? 'eq'))
  if (!field || !known) {
    errors.push({ parameter, message: `is no field that can be asked for: ${allowedFields(indexes)}` })
    return
  }
  const problem = problemOfValue(value, field.type)
  if (problem) {
    errors.push({ parameter, message: problem })
    return
  }
  const key = `${field.parameter}[${known}]`
  const earlier = conditions.get(key)?.values ?? []
  if (earlier.length > 0 && known !== 'in') errors.push({ parameter, message: 'may stand only once' })
  if (earlier.length >= limits.values) errors.push({ parameter, message: `may have ${limits.values} values` })
  conditions.set(key, { field, operator: known, values: [...earlier, value] })
}

/** A number as JSON writes it, and no larger than what the gateway takes. */
const number = /^-?(0|[1-9]\d{0,308})(\.\d{1,308})?([eE][+-]?([0-2]?\d{1,2}|30[0-8]))?$/

const valueRules: Readonly<Record<ScalarType, { fits(text: string): boolean; message: string }>> = {
  string: { fits: text => !text.includes('\0'), message: 'may not hold U+0000' },
  integer: { fits: text => number.test(text), message: 'must be a number' },
  number: { fits: text => number.test(text), message: 'must be a number' },
  boolean: { fits: text => text === 'true' || text === 'false', message: 'must be true or false' },
}

function problemOfValue(value: string, type: ScalarType): string | undefined {
  const rule = valueRules[type]
  return rule.fits(value) ? undefined : rule.message
}

const isCovered = (conditions: readonly Condition[], indexes: readonly DeclaredIndex[]): boolean =>
  conditions.length === 0 || covering(conditions, indexes).length > 0

/** Indexes of which all fields are asked for, the last one as its use allows and the others by equality. */
export function covering(
  conditions: readonly Condition[],
  indexes: readonly DeclaredIndex[],
): DeclaredIndex[] {
  const asked = new Set(conditions.map(({ field }) => field.parameter))
  return indexes.filter(({ use, fields }) => {
    const last = fields.at(-1)?.parameter
    return (
      fields.length === asked.size &&
      fields.every(({ parameter }) => asked.has(parameter)) &&
      conditions.every(({ field, operator }) =>
        field.parameter === last ? indexUses[use].operators.includes(operator) : operator === 'eq',
      )
    )
  })
}

function uncovered(conditions: readonly Condition[], indexes: readonly DeclaredIndex[]): InputError {
  const pointers = [...new Set(conditions.map(({ field }) => field.pointer))]
  const wanted = JSON.stringify({ fields: pointers })
  return {
    parameter: conditions.map(({ field }) => field.parameter).join(', '),
    message: `needs an index of its own: declare ${wanted} in spec.record.indexes, or ask for ${allowedFields(indexes)}`,
  }
}

/** What may be asked, for people: the fields of each index, and what is always there. */
export function allowedFields(indexes: readonly DeclaredIndex[]): string {
  const sets = indexes.map(
    ({ use, fields }) => fields.map(({ parameter }) => parameter).join(' with ') + indexUses[use].limits,
  )
  return [...sets, reserved.join(', ')].join('; or ')
}

const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/

function parseTime(parameter: string, text: string | undefined, errors: InputError[]): number | undefined {
  if (text === undefined) return undefined
  const milliseconds = dateTime.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(milliseconds) || milliseconds < 0) {
    errors.push({
      parameter,
      message: 'must be a time like 2026-01-31T12:00:00Z (RFC 3339), not before 1970',
    })
    return undefined
  }
  return milliseconds
}

function parseWord<Word extends string>(
  parameter: Reserved,
  text: string | undefined,
  words: readonly Word[],
  errors: InputError[],
): Word | undefined {
  const known = words.find(word => word === text)
  if (known === undefined && text !== undefined)
    errors.push({ parameter, message: `must be ${words.join(' or ')}` })
  return known
}

function parseLimit(text: string | undefined, errors: InputError[]): number {
  if (text === undefined) return limits.default
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= limits.max) return limit
  errors.push({ parameter: 'limit', message: `must be a whole number from 1 to ${limits.max}` })
  return limits.default
}

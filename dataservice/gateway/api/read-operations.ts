/** What the document says of the calls that read. Pure. */
import { indexUses, type Operator } from '#dataservice/contract/index-uses.ts'
import { pageLimits, reservedParameters } from '#dataservice/contract/page-limits.ts'
import type { DeclaredIndex, IndexedField } from '#dataservice/contract/record-declaration.ts'
import { exportTypes } from '#dataservice/platform/http/list-format.ts'
import { json, query, ref } from './schemas.ts'
import type { Json, Operation, ServiceFacts } from './table.ts'

export const readProblems = [
  'invalid-token',
  'store-unavailable',
  'reader-unavailable',
  'reader-timeout',
  'not-stored-yet',
] as const

export const consistencyToken = {
  name: 'Consistency-Token',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description: 'Of an earlier POST: the answer has that write, or says that it is not stored yet.',
}
const etag = { description: 'For If-None-Match.', schema: { type: 'string' } }
const notModified = { description: 'What the client has, by its If-None-Match, is what there is.' }

export function listRecords({ record }: ServiceFacts): Operation {
  return {
    operationId: 'listRecords',
    tag: 'records',
    summary: 'Find records, newest first',
    description: `${askable(record.indexes)} \`next\` of a page is the cursor of the following one, with the same query. With \`Accept: ${exportTypes.ndjson}\` or \`${exportTypes.csv}\` all records that the query selects come as a stream; \`limit\` and \`count\` have no place there.`,
    parameters: [
      ...record.indexes.flatMap(indexParameters).filter(isFirst),
      ...reservedParameters.map(name => ({ name, in: 'query', required: false, ...reservedShapes[name] })),
      consistencyToken,
    ],
    answers: {
      200: { description: 'A page, or an export.', headers: { ETag: etag }, content: listContent },
      304: notModified,
    },
    problems: ['invalid-query', 'index-not-ready', ...readProblems],
  }
}

const listContent = {
  'application/json': { schema: ref('Page') },
  [exportTypes.ndjson]: { schema: { type: 'string', description: 'Lines of Item.' } },
  [exportTypes.csv]: { schema: { type: 'string' } },
}

type Shape = Readonly<{ description: string; schema: Json } & Json>

const time = { type: 'string', format: 'date-time' }
const fields: Shape = {
  description: 'Parts of each record, by name or JSON Pointer, separated by commas.',
  schema: { type: 'string', minLength: 1 },
}
const reservedShapes: Readonly<Record<(typeof reservedParameters)[number], Shape>> = {
  from: { description: 'Accepted at or after this time.', schema: time },
  to: { description: 'Accepted before this time.', schema: time },
  order: { description: 'desc (default): newest first.', schema: { enum: ['asc', 'desc'] } },
  limit: {
    description: 'Records of a page.',
    schema: { type: 'integer', minimum: 1, maximum: pageLimits.max, default: pageLimits.default },
  },
  cursor: { description: 'Where a page starts.', schema: { type: 'string', minLength: 1 } },
  fields,
  count: {
    description: 'Tells how many records the query has: counted up to a bound, or as Postgres expects.',
    schema: { enum: ['exact', 'estimate'] },
  },
  id: {
    description: 'These records, in this order; beside it only cursor and fields.',
    schema: { type: 'array', minItems: 1, maxItems: pageLimits.ids, items: ref('Id') },
    style: 'form',
    explode: false,
  },
}

function askable(indexes: ServiceFacts['record']['indexes']): string {
  if (indexes.length === 0) return 'No index is declared: records are found by time and by id.'
  const sets = indexes.map(
    ({ use, fields }) =>
      fields.map(({ parameter }) => `\`${parameter}\``).join(' with ') + indexUses[use].limits,
  )
  return `A query names all fields of one declared index by equality; the last may be a range or a list. Declared: ${sets.join('; ')}.`
}

const reserved: ReadonlySet<string> = new Set(reservedParameters)
const meanings: Readonly<Record<Operator, string>> = {
  eq: 'equal',
  gt: 'above',
  gte: 'at or above',
  lt: 'below',
  lte: 'at or below',
  in: 'one of these',
}

/** All ways to ask for the fields of an index; ranges and lists only for the last one. */
function indexParameters({ use, fields }: DeclaredIndex): Json[] {
  const last = fields.at(-1)
  return fields.flatMap(field => {
    const asked: readonly Operator[] = field === last ? indexUses[use].operators : ['eq']
    return asked.map(operator => fieldParameter(field, operator))
  })
}

function fieldParameter({ parameter, pointer, type }: IndexedField, operator: Operator): Json {
  const isPlain = operator === 'eq' && !reserved.has(parameter)
  const list = { type: 'array', maxItems: pageLimits.values, items: { type } }
  return query(
    isPlain ? parameter : `${parameter}[${operator}]`,
    operator === 'in' ? list : { type },
    `${pointer} is ${meanings[operator]}.`,
  )
}

/** A field may stand in several indexes. */
function isFirst({ name }: Json, place: number, all: readonly Json[]): boolean {
  return all.findIndex(other => other['name'] === name) === place
}

const moved = {
  description: 'It was sent again under its Idempotency-Key: the record that stands for it.',
  headers: { Location: { description: 'Where that is.', schema: { type: 'string' } } },
}

export function getRecord({ declaration }: ServiceFacts): Operation {
  return {
    operationId: 'getRecord',
    tag: 'records',
    summary: 'Read one record',
    description: 'The record comes back byte for byte as it came.',
    parameters: [
      { name: 'id', in: 'path', required: true, schema: ref('Id') },
      { name: 'fields', in: 'query', required: false, ...fields },
      consistencyToken,
    ],
    answers: {
      200: json('The record.', ref('Item'), { ETag: etag }),
      304: notModified,
      ...(declaration.id === undefined && { 308: moved }),
    },
    problems: ['not-found', 'invalid-query', 'record-not-found', 'not-yet-visible', ...readProblems],
  }
}

export function getStatus(): Operation {
  return {
    operationId: 'getStatus',
    tag: 'records',
    summary: 'Tell what became of an accepted record',
    description: 'Whatever is not stored is known as long as the log is kept, and at least for a day.',
    parameters: [
      { name: 'id', in: 'path', required: true, schema: ref('Id') },
      query(
        'position',
        { type: 'string', pattern: '^\\d{1,6}-\\d{1,18}$' },
        'Of its 202: exactly that record.',
      ),
    ],
    answers: { 200: json('What became of it.', ref('Status')) },
    problems: ['not-found', 'invalid-query', 'record-not-found', ...readProblems],
  }
}

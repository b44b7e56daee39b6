/** Schemas of the answers. Pure. */
import { maxIdCharacters } from '#dataservice/record/natural-id.ts'
import type { Json, ServiceFacts } from './table.ts'

export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })

/** An answer with a JSON body. */
export const json = (description: string, schema: Json, headers?: Json): Json => ({
  description,
  ...(headers && { headers }),
  content: { 'application/json': { schema } },
})

/** An optional query parameter. */
export const query = (name: string, schema: Json, description: string): Json => ({
  name,
  in: 'query',
  required: false,
  schema,
  description,
})

const object = (properties: Json, required = Object.keys(properties)): Json => ({
  type: 'object',
  required,
  properties,
})

const status = {
  enum: [
    'pending',
    'stored',
    'duplicate',
    'conflict',
    'key-reused',
    'version-conflict',
    'absent',
    'refused',
    'held',
    'expired',
  ],
}
const reason = { type: 'string', description: 'Why it is not stored as it was sent.' }
const index = { type: 'integer', minimum: 0, description: 'Place of the record in an array or in lines.' }

const place = (description: string): Json => ({ type: 'string', pattern: '^\\d+-\\d+$', description })
const position = place('Place in the log: partition and offset. Absent with acks=0.')
const durability = {
  enum: ['none', 'leader', 'replicated'],
  description: 'Who has the record for certain; only told when the request chose acks.',
}
const first = { type: 'integer', minimum: 0, description: 'Records before this batch.' }

function idSchema({ declaration, isChanging }: Pick<ServiceFacts, 'declaration' | 'isChanging'>): Json {
  if (isChanging && declaration.id === undefined)
    return {
      type: 'string',
      minLength: 1,
      maxLength: maxIdCharacters,
      description: 'As a PUT named it; a POST makes a UUIDv7.',
    }
  return declaration.id === undefined
    ? { type: 'string', format: 'uuid', description: 'A UUIDv7.' }
    : { type: 'string', maxLength: maxIdCharacters, description: `The record's ${declaration.id}.` }
}

const outcomes = { type: 'array', items: object({ index, id: ref('Id') }) }

const problem = {
  ...object(
    {
      type: { type: 'string', format: 'uri', description: 'Stable: clients may decide by it.' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string', description: 'What happened this time, and what to do about it.' },
      errors: {
        type: 'array',
        description: 'The first hundred things that are wrong with the request.',
        items: object(
          {
            index,
            pointer: { type: 'string', description: 'JSON Pointer inside the record.' },
            parameter: { type: 'string', description: 'Query parameter.' },
            offset: { type: 'integer', description: 'Byte of the body.' },
            message: { type: 'string' },
          },
          ['message'],
        ),
      },
      id: { type: 'string', description: 'The one record the request was about.' },
      accepted: outcomes,
      unknown: outcomes,
      refused: outcomes,
      circuit: { type: 'string', description: 'State of the circuit breaker that kept the question back.' },
    },
    ['type', 'title', 'status'],
  ),
  description: 'RFC 9457.',
}

/** Components that are the same for all services. */
const fixed = {
  Accepted: object(
    {
      id: ref('Id'),
      position,
      durability,
      status: { ...status, description: 'With Prefer: wait.' },
      reason,
    },
    ['id'],
  ),
  AcceptedList: object({ accepted: { type: 'array', items: ref('Accepted') }, durability }, ['accepted']),
  Valid: object({ valid: { type: 'integer', minimum: 1, description: 'Records of the body.' } }),
  StreamResult: {
    anyOf: [
      object({ first, accepted: { type: 'array', items: ref('Accepted') }, durability }, [
        'first',
        'accepted',
      ]),
      object({ first, problem: ref('Problem') }),
    ],
  },
  Status: object(
    {
      id: ref('Id'),
      status,
      reason,
      winner: { type: 'string', description: 'The record that stands there.' },
    },
    ['id', 'status'],
  ),
  Item: object({
    id: ref('Id'),
    acceptedAt: { type: 'string', format: 'date-time' },
    schemaVersion: { type: 'string', description: 'Version of the schema that the record has the form of.' },
    record: {
      anyOf: [ref('Record'), { type: 'object', description: 'With `fields`: these parts of it.' }],
    },
  }),
  Page: object(
    {
      items: { type: 'array', items: ref('Item') },
      next: { type: ['string', 'null'], description: 'Cursor of the next page; null at the end.' },
      count: object({
        value: { type: 'integer', minimum: 0 },
        relation: { enum: ['exact', 'at-least', 'estimate'] },
      }),
    },
    ['items', 'next'],
  ),
  Gap: object(
    {
      from: place('The first record that is gone; absent when the log is another.'),
      to: place('Where the log goes on.'),
    },
    ['to'],
  ),
  Problem: problem,
}

/** What the topic tells of: records, or changes of them. */
const changesPage = (item: string): Json =>
  object(
    {
      items: { type: 'array', items: ref(item) },
      next: { type: 'string', description: '`after` of the next page.' },
      hasMore: { type: 'boolean', description: 'More is stored already.' },
      gaps: { type: 'array', items: ref('Gap'), description: 'Records that were not read in time.' },
    },
    ['items', 'next', 'hasMore'],
  )

const change = {
  version: { type: 'integer', minimum: 1 },
  eventId: { type: 'string', format: 'uuid' },
  command: { enum: ['create', 'replace', 'merge', 'delete'] },
  acceptedAt: { type: 'string', format: 'date-time' },
  schemaVersion: { type: 'string' },
  record: { anyOf: [ref('Record'), { type: 'null' }] },
}

/** Only where records change. */
const ofChanges = {
  Change: object({ id: ref('Id'), ...change }),
  History: object({
    items: { type: 'array', items: object(change) },
    next: { type: ['string', 'null'], description: 'Cursor of the next page; null at the end.' },
  }),
}

/** Components that all services have, but for the record itself. */
export const schemas = (facts: ServiceFacts): Json => ({
  Id: idSchema(facts),
  ...fixed,
  ChangesPage: changesPage(facts.isChanging ? 'Change' : 'Item'),
  ...(facts.isChanging && ofChanges),
})

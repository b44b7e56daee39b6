/** The OpenAPI 3.1 document of one service, from the table of routes and the record's schema. Pure. */
import { type ProblemCode, problemType } from '#dataservice/platform/http/problems.ts'
import { bodyBounds } from '#dataservice/record/scan.ts'
import { callerProblems, securitySchemes } from './callers.ts'
import { recordComponent } from './record-component.ts'
import { schemas } from './schemas.ts'
import type { Json, Operation, Route, ServiceFacts } from './table.ts'

/** What can go wrong with every call. */
const commonProblems: readonly ProblemCode[] = [
  'bad-request',
  'request-timeout',
  'headers-too-large',
  'internal',
]

const tags = [
  { name: 'records', description: 'Records in and out.' },
  { name: 'changes', description: 'What was stored, as it happened.' },
  { name: 'about', description: 'This description.' },
]

/** The document that `/openapi.json` answers. */
export function apiDocument(table: readonly Route[], facts: ServiceFacts): Json {
  const { namespace, name, declaration, record, rules } = facts
  const schemes = securitySchemes(rules)
  const ways = Object.keys(schemes).map(way => ({ [way]: [] }))
  return {
    openapi: '3.1.1',
    info: {
      title: `${namespace}/${name}`,
      version: record.schemaVersion,
      summary: 'An event-driven data service.',
      description: description(facts),
    },
    ...(ways.length > 0 && { security: ways }),
    tags,
    paths: paths(table, facts),
    components: {
      schemas: { ...schemas(facts), Record: recordComponent(declaration.schema) },
      ...(ways.length > 0 && { securitySchemes: schemes }),
    },
  }
}

function description({ declaration: { id, key }, record, rules }: ServiceFacts): string {
  const ids =
    id === undefined
      ? 'Each record gets an id from the service, a UUIDv7.'
      : `The id of a record is its \`${id}\`.`
  const order =
    key === undefined
      ? 'Records have no order among each other but that of their ids.'
      : `Records with the same \`${key}\` stay in the order they came.`
  const bounds = `A record has at most ${bodyBounds.recordBytes} bytes, a body ${rules?.maxBodyBytes ?? bodyBounds.bodyBytes} bytes and ${bodyBounds.records} records.`
  const version = `\`info.version\` is the version of the record schema: ${record.schemaVersion}.`
  return [
    `${ids} ${order} ${bounds}`,
    'Errors are problem documents (RFC 9457) with a stable `type`.',
    version,
  ].join('\n\n')
}

function paths(table: readonly Route[], facts: ServiceFacts): Json {
  const found: Record<string, Record<string, Json>> = {}
  const common = [...commonProblems, ...callerProblems(facts.rules)]
  for (const { methods } of table)
    for (const [method, { operations }] of Object.entries(methods))
      for (const [path, operation] of Object.entries(operations)) {
        found[path] = { ...found[path], [method.toLowerCase()]: operationObject(operation(facts), common) }
      }
  return found
}

function operationObject(
  { tag, answers, problems = [], ...operation }: Operation,
  common: readonly ProblemCode[],
): Json {
  return { ...operation, tags: [tag], responses: { ...answers, ...problemAnswers([...common, ...problems]) } }
}

/** One answer for each status, with the types that it may have. */
function problemAnswers(codes: readonly ProblemCode[]): Json {
  const types = codes.map(problemType)
  const byStatus = Map.groupBy(types, ({ status }) => status)
  const answers = [...byStatus].map(([status, found]) => [status, problemAnswer(found)] as const)
  return Object.fromEntries(answers)
}

function problemAnswer(types: readonly { type: string; title: string }[]): Json {
  const schema = {
    allOf: [
      { $ref: '#/components/schemas/Problem' },
      { properties: { type: { enum: types.map(({ type }) => type) } } },
    ],
  }
  return {
    description: types.map(({ title }) => `${title}.`).join(' '),
    content: { 'application/problem+json': { schema } },
  }
}

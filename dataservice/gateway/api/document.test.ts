import { Readable } from 'node:stream'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { HTTPMethods } from 'fastify'
import { expect, test } from 'vitest'
import type { GatewayRules } from '#dataservice/contract/gateway-rules.ts'
import { reservedParameters } from '#dataservice/contract/page-limits.ts'
import type { RecordDeclaration } from '#dataservice/contract/record-declaration.ts'
import { type ApiDocument, expectDocumented, schemasOf } from '#dataservice/testing/api-document.ts'
import { declaration, order, start, type World } from '../testing/gateway-app.ts'
import { tokenRules } from '../testing/issuer.ts'

/** References, choices, a key, an id and indexes: all that shapes a document. */
const rich: RecordDeclaration = {
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['number', 'customer', 'kind'],
    properties: {
      number: { type: 'string', minLength: 6, maxLength: 40 },
      customer: { $ref: '#/$defs/customer' },
      kind: { enum: ['new', 'old'] },
      amount: { type: 'number', exclusiveMinimum: 10, multipleOf: 0.25 },
      at: { type: 'string', format: 'date-time', maxLength: 40 },
      code: { type: 'string', pattern: '^[A-Z]{3}$' },
      parts: { type: 'array', minItems: 2, items: { $ref: '#/$defs/part' } },
    },
    $defs: {
      customer: {
        type: 'object',
        required: ['id'],
        properties: {
          id: { type: 'string', maxLength: 10 },
          boss: { anyOf: [{ $ref: '#/$defs/customer' }, { type: 'null' }] },
        },
      },
      part: { type: 'object', properties: { limit: { type: 'integer', minimum: 3 } } },
    },
  },
  id: '/number',
  key: '/customer/id',
  indexes: [{ fields: ['/customer/id', '/amount'] }, { fields: ['/at'] }],
}

async function documentOf(world: World = {}) {
  const { app, ...rest } = await start(world)
  const answer = await app.inject('/openapi.json')
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/json'])
  return { app, ...rest, document: answer.json<ApiDocument>() }
}

test.each([
  ['ids of the service', declaration],
  ['natural ids, references and indexes', rich],
])('the document of a service with %s is OpenAPI 3.1', async (_, declared) => {
  const { document } = await documentOf({ declaration: declared })
  const validator = new Validator()
  expect(await validator.validate({ ...structuredClone(document) })).toMatchObject({ valid: true })
  expect(validator.version).toBe('3.1')
  // Every reference leads somewhere.
  const names = new Set(
    [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]*)"/g)].map(([, name = '']) => name),
  )
  expect(names.size).toBeGreaterThan(5)
  const schemaAt = schemasOf(document)
  for (const name of names) expect(schemaAt(name), name).toBeTypeOf('function')
})

test('the document of a service that knows its callers says how they show who they are', async () => {
  const rules: GatewayRules = {
    authentication: { apiKeys: true, jwt: tokenRules },
    authorization: { keyClaim: 'customer' },
    rateLimit: { requests: 1, perMs: 1_000 },
  }
  const { document } = await documentOf({ rules })
  expect(await new Validator().validate({ ...structuredClone(document) })).toMatchObject({ valid: true })
  expect(document).toMatchObject({
    security: [{ apiKey: [] }, { token: [] }],
    components: { securitySchemes: { apiKey: { name: 'X-API-Key' }, token: { scheme: 'bearer' } } },
  })
  const { responses } = document.paths['/data']?.['get'] ?? {}
  expect(Object.keys(responses ?? {})).toEqual(expect.arrayContaining(['401', '403', '429', '503']))
  const open = (await documentOf()).document
  expect([
    JSON.stringify(open).includes('securitySchemes'),
    open.paths['/data']?.['get']?.responses['401'],
  ]).toEqual([false, undefined])
})

test('the document tells all that is served, and nothing else', async () => {
  const registered: [method: string, url: string][] = []
  const onRoute: World['onRoute'] = ({ url, method }) => {
    for (const each of [method].flat()) registered.push([each, url])
  }
  const { app, document } = await documentOf({ onRoute })
  const served: string[] = []
  for (const [method, url] of registered) {
    const { statusCode } = await app.inject({ method: method as HTTPMethods, url: url.replace('*', 'x') })
    if (statusCode !== 405 && method !== 'HEAD') served.push(`${method} ${url}`)
  }
  const documented = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${patternOf(path, registered)}`),
  )
  expect([...new Set(documented), 'GET /docs/*'].toSorted()).toEqual(served.toSorted())
})

/** The pattern of the router that a path of the document belongs to. */
function patternOf(path: string, registered: readonly [string, string][]): string {
  const patterns = registered.map(([, url]) => url)
  const wide = patterns.find(url => url.endsWith('*') && path.startsWith(url.slice(0, -1)))
  return patterns.includes(path) ? path : (wide ?? `no route for ${path}`)
}

test("the schema's own example shows what lines look like, if it is a good one", async () => {
  const good = { number: '123456', customer: { id: 'c' }, kind: 'new' }
  const { document, post } = await documentOf({
    declaration: { ...rich, schema: { ...rich.schema, examples: [{}, good] } },
  })
  const { example = '' } =
    document.paths['/data']?.['post']?.requestBody.content['application/x-ndjson'] ?? {}
  expect(example).toBe(`${JSON.stringify(good)}\n`)
  expect((await post(example, 'application/x-ndjson')).statusCode).toBe(202)
})

test('what may be asked follows from the declared indexes', async () => {
  const { document } = await documentOf({ declaration: rich })
  const parameters = document.paths['/data']?.['get']?.parameters ?? []
  const names = parameters.filter(each => each.in === 'query').map(({ name }) => name)
  expect(names).toEqual([
    'customer.id',
    ...['amount', 'amount[gt]', 'amount[gte]', 'amount[lt]', 'amount[lte]', 'amount[in]'],
    ...['at', 'at[gt]', 'at[gte]', 'at[lt]', 'at[lte]', 'at[in]'],
    ...reservedParameters,
  ])
})

test('of an index for ranges nothing else may be asked', async () => {
  const indexes = [{ fields: ['/at'], use: 'Range' as const }]
  const { document } = await documentOf({ declaration: { ...rich, indexes } })
  const operation = document.paths['/data']?.['get']
  const names = operation?.parameters.filter(each => each.in === 'query').map(({ name }) => name)
  expect(names).toEqual(['at[gt]', 'at[gte]', 'at[lt]', 'at[lte]', ...reservedParameters])
  expect(operation?.description).toContain('Declared: `at` (only [gt], [gte], [lt], [lte], by itself).')
})

test('what the service answers is what the document says', async () => {
  const item = {
    id: 'x',
    acceptedAt: '2026-01-31T12:00:00Z',
    schemaVersion: '1',
    record: { customerId: 'a', amount: 1 },
  }
  const { app, post, document } = await documentOf({
    reader: ({ path }) => ({
      kind: 'answer',
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Readable.from([JSON.stringify(path === '/data' ? { items: [item], next: null } : item)]),
    }),
  })
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } } as const
  const answers = [
    ['/data', 'post', await post(order('a'))],
    ['/data', 'post', await post(`[${order('a')}]`)],
    ['/data', 'post', await post('{}')],
    ['/data', 'post', await post('{')],
    ['/data', 'post', await post(order('a'), 'text/plain')],
    ['/data', 'post', await post(order('a'), undefined, { prefer: 'acks=0' })],
    ['/data', 'post', await post(order('a'), undefined, { prefer: 'acks=0, wait=1' })],
    ['/data', 'post', await post('x', undefined, { 'content-encoding': 'gzip' })],
    ['/data', 'post', await app.inject({ ...json, url: '/data?validate=only', payload: order('a') })],
    ['/data', 'get', await app.inject('/data')],
    ['/data/{id}', 'get', await app.inject('/data/x')],
    ['/openapi.json', 'get', await app.inject('/openapi.json')],
    ['/docs', 'get', await app.inject('/docs')],
  ] as const
  for (const [path, method, { statusCode, headers, body }] of answers) {
    const contentType = String(headers['content-type'])
    expectDocumented(document, path, method, { status: statusCode, contentType, body })
  }
})

import { describe, expect, test } from 'vitest'
import type { RecordDeclaration } from '#dataservice/contract/record-declaration.ts'
import { start, type World } from './testing/gateway-app.ts'

const text = { type: 'string', maxLength: 64 }
const schemaOf = (field: string) => ({
  type: 'object',
  required: [field],
  properties: { customerId: text, [field]: { type: 'number' } },
})

const versions = [
  { name: 'v1', schema: schemaOf('amount'), deprecatedSince: 1_700_000_000 },
  {
    name: 'v2',
    schema: schemaOf('total'),
    upgrade: [{ op: 'move' as const, from: '/amount', path: '/total' }],
  },
]
const declaration: RecordDeclaration = { schema: schemaOf('total'), versions, indexes: [] }
const world = (changes: World = {}) => start({ declaration, ...changes })

const old = '{"customerId":"a","amount":1.50e0}'
const now = '{"customerId":"a","total":1.50e0}'
const json = { 'content-type': 'application/json' }

describe('POST /data', () => {
  test.each([
    ['the newest without a word', now, undefined, 'v2', undefined],
    ['the newest by its name', now, 'v2', 'v2', undefined],
    ['an older one', old, 'v1', 'v1', '@1700000000'],
  ])('%s', async (_, body, named, version, deprecation) => {
    const { post, log } = await world()
    const answer = await post(body, 'application/json', named ? { 'schema-version': named } : {})
    expect([answer.statusCode, answer.headers['deprecation']]).toEqual([202, deprecation])
    const [record] = log.contents.flat()
    expect([record?.value?.toString(), record?.shared?.headers['ce_schemaversion']]).toEqual([body, version])
  })

  test.each([
    ['an older form without a word', old, {}, 'invalid-record', undefined],
    ['the newest form under an older name', now, { 'schema-version': 'v1' }, 'invalid-record', '@1700000000'],
    ['a version that there is not', now, { 'schema-version': 'v3' }, 'unsupported-header', undefined],
    [
      'the hash of a schema without a name',
      now,
      { 'schema-version': '1a2b3c4d' },
      'unsupported-header',
      undefined,
    ],
  ])('%s is refused', async (_, body, headers, problem, deprecation) => {
    const { post, log } = await world()
    const answer = await post(body, 'application/json', headers)
    expect([answer.statusCode, answer.json().type]).toEqual([
      400,
      `https://dataservice.dev/problems/${problem}`,
    ])
    expect([answer.headers['deprecation'], log.contents.flat()]).toEqual([deprecation, []])
  })

  test('lines of an older version, also as a stream', async () => {
    const { post, log } = await world()
    const headers = { 'schema-version': 'v1', prefer: 'stream' }
    const answer = await post(`${old}\n${old}\n`, 'application/x-ndjson', headers)
    expect([answer.statusCode, answer.headers['deprecation']]).toEqual([200, '@1700000000'])
    expect(log.contents.flat().map(({ shared }) => shared?.headers['ce_schemaversion'])).toEqual(['v1', 'v1'])
  })

  test('requests in older versions are counted, so that one sees who is left', async () => {
    const { post, metrics } = await world()
    for (const version of ['v1', 'v2', 'v1'])
      await post(version === 'v1' ? old : now, 'application/json', { 'schema-version': version })
    const counter = await metrics.getSingleMetric('dataservice_gateway_old_version_requests_total')?.get()
    expect(counter?.values).toMatchObject([{ labels: { version: 'v1' }, value: 2 }])
  })

  test('a version that nobody can tell the age of is old since today', async () => {
    const unaged = versions.map(({ deprecatedSince: _, ...version }) => version)
    const { post } = await world({ declaration: { ...declaration, versions: unaged } })
    const answer = await post(old, 'application/json', { 'schema-version': 'v1' })
    expect(answer.headers['deprecation']).toBe(`@${Date.UTC(2026, 2, 1) / 1_000}`)
  })

  test('a schema without versions has its hash as name', async () => {
    const { post, schemaVersion } = await start({ declaration: { schema: schemaOf('total'), indexes: [] } })
    const named = await post(now, 'application/json', { 'schema-version': schemaVersion })
    expect([named.statusCode, named.headers['deprecation']]).toEqual([202, undefined])
    expect((await post(now, 'application/json', { 'schema-version': 'v1' })).statusCode).toBe(400)
  })
})

test('changes of records name their version, too', async () => {
  const { app, log } = await world({ isChanging: true })
  const send = (method: 'PUT' | 'DELETE', payload: string, headers: Record<string, string>) =>
    app.inject({ method, url: '/data/a', payload, headers })
  const put = await send('PUT', old, { ...json, 'schema-version': 'v1' })
  expect([put.statusCode, put.headers['deprecation']]).toEqual([202, '@1700000000'])
  expect((await send('PUT', old, json)).statusCode).toBe(400)
  expect((await send('PUT', now, json)).statusCode).toBe(202)
  const sent = log.contents.flat().map(({ shared }) => shared?.headers['ce_schemaversion'])
  expect(sent).toEqual(['v1', 'v2'])
})

test('the API document names the versions', async () => {
  const { app } = await world()
  const { paths, components } = (await app.inject('/openapi.json')).json()
  const parameter = paths['/data'].post.parameters.find(
    ({ name }: { name: string }) => name === 'Schema-Version',
  )
  expect(parameter).toMatchObject({ in: 'header', required: false, schema: { enum: ['v1', 'v2'] } })
  expect(components.schemas.Record.required).toEqual(['total'])
})

import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { ReaderAnswer, ReaderQuestion } from '../reader-port.ts'
import { order, declaration as orders, start, type World } from '../testing/gateway-app.ts'

const { key: _, ...declaration } = orders
const json = { 'content-type': 'application/json' }
const patch = { 'content-type': 'application/merge-patch+json' }
type Method = 'PUT' | 'PATCH' | 'DELETE' | 'POST'

const answer = (body: unknown, headers = {}, status = 200): ReaderAnswer => ({
  kind: 'answer',
  status,
  headers,
  body: Readable.from([Buffer.from(JSON.stringify(body))]),
})

/** A reader that knows one record, and what became of the first command. */
const knows =
  (version: string, outcome?: object) =>
  ({ method, path }: ReaderQuestion): ReaderAnswer => {
    if (path.startsWith('/versions/')) return answer('', { etag: `"${Number(version) + 1}"` })
    if (method === 'HEAD') return answer('', { etag: `"${version}"` })
    return answer({ next: '1', outcomes: outcome === undefined ? [] : [outcome] })
  }

async function service(world: World = {}) {
  const gateway = await start({ declaration, isChanging: true, ...world })
  const send = (method: Method, url: string, payload = '', headers: Record<string, string> = json) =>
    gateway.app.inject({ method, url, payload, headers })
  const log = () =>
    gateway.log.contents.flat().map(({ key, value, headers, shared }) => ({
      key: String(key),
      value: String(value),
      type: String(shared?.headers['ce_type']).replace('dev.dataservice.record.', ''),
      ifMatch: headers['dataservice_ifmatch'] && String(headers['dataservice_ifmatch']),
      onlyNew: headers['dataservice_ifnonematch'] !== undefined,
    }))
  return { ...gateway, memory: gateway.log, send, log }
}

const none = { ifMatch: undefined, onlyNew: false }

test('a service whose records stay knows no changes', async () => {
  const { app } = await start({ declaration })
  for (const method of ['PUT', 'PATCH', 'DELETE'] as const)
    expect((await app.inject({ method, url: '/data/a' })).headers['allow']).toBe('GET, HEAD')
})

test('PUT and DELETE are commands in the log under the id of the URL, byte for byte', async () => {
  const { send, log } = await service()
  const body = '{"amount":1e2,  "customerId":"x"}'
  const put = await send('PUT', '/data/a%2Fb', ` ${body} `)
  const gone = await send('DELETE', '/data/a%2Fb', '', {})
  expect([put.statusCode, put.json().id, gone.statusCode]).toEqual([202, 'a/b', 202])
  expect(put.headers['consistency-token']).toBeDefined()
  expect(log()).toEqual([
    { key: 'a/b', value: body, type: 'replaced', ...none },
    { key: 'a/b', value: '', type: 'deleted', ...none },
  ])
})

test('conditions travel with the command, and their outcome is waited for', async () => {
  const { send, log, questions } = await service({ reader: knows('2') })
  const matched = await send('PUT', '/data/a', order('x'), { ...json, 'if-match': '"2", W/"9", "7"' })
  const { statusCode, headers, ...answered } = matched
  expect([statusCode, headers['preference-applied'], headers.etag]).toEqual([200, 'wait=5', '"3"'])
  expect(answered.json()).toMatchObject({ id: 'a', status: 'stored' })
  expect(questions[0]).toMatchObject({ method: 'HEAD', path: '/data/a' })
  await send('PUT', '/data/b', order('x'), { ...json, 'if-none-match': '*' })
  await send('DELETE', '/data/c', '', { 'if-match': '*' })
  expect(new Map(log().map(({ key, ifMatch, onlyNew }) => [key, [ifMatch, onlyNew]]))).toEqual(
    new Map([
      ['a', ['2,7', false]],
      ['b', [undefined, true]],
      ['c', ['*', false]],
    ]),
  )
})

test.each([
  ['whose record is beyond it', '"1"', 0],
  ['that no version of ours can match', '"abc", W/"2"', 0],
  ['that may come true, as far as an old answer tells', '"3"', 1],
])('a condition %s', async (_, ifMatch, sent) => {
  const { send, log } = await service({ reader: knows('2') })
  const { statusCode } = await send('PUT', '/data/a', order('x'), { ...json, 'if-match': ifMatch })
  expect([statusCode === 412, log().length]).toEqual([sent === 0, sent])
})

test.each([
  ['version-conflict', 412],
  ['absent', 404],
  ['refused', 422],
])('the outcome %s is %i', async (status, code) => {
  const contents: (() => string)[] = []
  const world = await service({
    reader: () => {
      const eventId = contents[0]?.()
      return answer({ next: '1', outcomes: [{ offset: '0', eventId, status, reason: 'so it is' }] })
    },
  })
  contents.push(() => String(world.memory.contents.flat()[0]?.headers['ce_id']))
  const { statusCode, ...refused } = await world.send('PATCH', '/data/a', '{"amount":2}', patch)
  expect([statusCode, refused.json().detail]).toEqual([code, expect.stringMatching(/^So it is/)])
})

test('a patch implies waiting, and needs no valid record of its own', async () => {
  const { send, log } = await service({ reader: knows('1') })
  const { statusCode, headers } = await send('PATCH', '/data/a', '{"amount":null}', patch)
  expect([statusCode, headers['preference-applied'], headers.etag]).toEqual([200, 'wait=5', '"2"'])
  expect(log()).toEqual([{ key: 'a', value: '{"amount":null}', type: 'merged', ...none }])
})

test.each<[string, number, Method, string, string, Record<string, string>]>([
  ['a record that is not valid', 400, 'PUT', '/data/a', '{"amount":1}', json],
  ['a list', 400, 'PUT', '/data/a', `[${order('x')}]`, json],
  ['no JSON', 400, 'PATCH', '/data/a', '{"a":', patch],
  ['a patch that is no object', 400, 'PATCH', '/data/a', '[1]', patch],
  ['a body to delete', 400, 'DELETE', '/data/a', '{}', json],
  ['text', 415, 'PUT', '/data/a', 'x', { 'content-type': 'text/plain' }],
  ['a patch as PUT', 415, 'PUT', '/data/a', '{}', patch],
  ['an Idempotency-Key', 400, 'PUT', '/data/a', order('x'), { ...json, 'idempotency-key': 'k' }],
  ['no ETag', 400, 'PUT', '/data/a', order('x'), { ...json, 'if-match': '3' }],
  ['other tags to be new', 400, 'PUT', '/data/a', order('x'), { ...json, 'if-none-match': '"3"' }],
  ['a patch of what must be new', 400, 'PATCH', '/data/a', '{}', { ...patch, 'if-none-match': '*' }],
  ['an id that no record can have', 400, 'PUT', `/data/${'x'.repeat(1_201)}`, order('x'), json],
  ['a broken id', 400, 'DELETE', '/data/%ff', '', {}],
  ['what is beside a record', 405, 'DELETE', '/data/a/events', '', {}],
])('%s is refused with %i and leaves the log as it is', async (_, code, method, url, body, headers) => {
  const { send, log } = await service()
  const { statusCode } = await send(method, url, body, headers)
  expect([statusCode, log()]).toEqual([code, []])
})

test('with an id in the record a PUT has the same id in its URL', async () => {
  const { send, log } = await service({ declaration: { ...declaration, id: '/customerId' } })
  const foreign = await send('PUT', '/data/b', order('a'))
  expect([foreign.statusCode, foreign.json().errors]).toEqual([
    400,
    [{ pointer: '/customerId', message: 'must be the id of the URL' }],
  ])
  expect((await send('PUT', '/data/a', order('a'))).statusCode).toBe(202)
  expect(log().map(({ key }) => key)).toEqual(['a'])
})

test('the API document knows the calls of changing records, and only theirs', async () => {
  const pathsOf = async (isChanging: boolean) => {
    const { app } = await start({ declaration, isChanging })
    const { paths } = (await app.inject('/openapi.json')).json()
    return [Object.keys(paths['/data/{id}']).sort(), '/data/{id}/events' in paths]
  }
  expect(await pathsOf(true)).toEqual([['delete', 'get', 'patch', 'put'], true])
  expect(await pathsOf(false)).toEqual([['get'], false])
})

/** Records that bring their id: what becomes of hostile ones, and what client and log are told of the others. */
import { expect, test } from 'vitest'
import type { RecordDeclaration } from '#dataservice/contract/record-declaration.ts'
import { partitionOf } from '#dataservice/platform/kafka/partition.ts'
import { idPattern, start } from './testing/gateway-app.ts'

const parcels: RecordDeclaration = {
  schema: {
    type: 'object',
    required: ['number'],
    properties: { number: { type: 'string', maxLength: 600 }, to: { type: 'string', maxLength: 40 } },
  },
  id: '/number',
  indexes: [],
}
const numbered: RecordDeclaration = {
  schema: { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } },
  id: '/a',
  indexes: [],
}
const parcel = (number: string) => JSON.stringify({ number })

const hostile: Record<string, string> = {
  slashes: 'a/b//c/../d',
  'an encoded slash': '%2f%2F',
  'a path that climbs': '../../etc/passwd',
  'dots and more': '...',
  'a query and a fragment': '?limit=1#x',
  'quotes and backslashes': `"'\\`,
  'line breaks': 'a\r\nlocation: http://evil.test',
  'control characters': '\u0001\u007f\u0085',
  'letters of any script': 'Größe-尺寸-😀',
  'characters outside the first plane, as many as fit': '𝒳'.repeat(600),
  'a space at each end': ' a ',
  'the name of a prototype': '__proto__',
}

test.each(Object.entries(hostile))('%s: the id is kept as it is and safely encoded', async (_, id) => {
  const { post, log } = await start({ declaration: parcels })
  const answer = await post(parcel(id))
  const partition = partitionOf(Buffer.from(id), 3)
  expect([answer.statusCode, answer.json()]).toEqual([202, { id, position: `${partition}-0` }])
  const location = String(answer.headers['location'])
  expect(location).toMatch(/^\/data\/[A-Za-z0-9!'()*~._%-]+$/)
  const { pathname } = new URL(location, 'http://gateway.test')
  expect(decodeURIComponent(pathname.slice('/data/'.length))).toBe(id)
  const [record] = log.contents[partition] ?? []
  expect(record?.key.toString()).toBe(id)
  expect(String(record?.headers['ce_subject'])).toBe(id)
  expect(String(record?.headers['ce_id'])).toMatch(idPattern)
})

test.each([
  ['an empty id', parcel(''), 'the id cannot be ""'],
  ['a dot', parcel('.'), 'the id cannot be "."'],
  ['two dots', parcel('..'), 'the id cannot be ".."'],
  ['an id that is too long', parcel('x'.repeat(601)), '600'],
  ['a number in place of a text', '{"number":5}', 'string'],
  ['no id', '{}', 'number'],
])('%s is refused with its pointer, and nothing is stored', async (_, text, message) => {
  const { post, log } = await start({ declaration: parcels })
  const answer = await post(`[${parcel('good')},${text}]`)
  expect(answer.statusCode).toBe(400)
  const { type, errors } = answer.json()
  expect(type).toBe('https://dataservice.dev/problems/invalid-record')
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({ index: 1, message: expect.stringContaining(message) })
  expect(log.contents.flat()).toEqual([])
})

test.each([
  ['NUL', '{"number":"a\\u0000"}'],
  ['a lone surrogate', '{"number":"a\\ud800"}'],
  ['an id given twice', '{"number":"a","number":"b"}'],
])('%s is no JSON that we take', async (_, text) => {
  const { post, log } = await start({ declaration: parcels })
  const answer = await post(text)
  expect([answer.statusCode, answer.json().type]).toEqual([
    400,
    'https://dataservice.dev/problems/invalid-json',
  ])
  expect(log.contents.flat()).toEqual([])
})

test.each([
  ['100', '100'],
  ['1e2', '100'],
  ['-0', '0'],
  ['9007199254740991', '9007199254740991'],
])('the integer %s is the id %s', async (text, id) => {
  const { post } = await start({ declaration: numbered })
  expect((await post(`{"a":${text}}`)).json()).toMatchObject({ id })
})

test('an integer that a double cannot hold is refused: two ids would become one', async () => {
  const { post } = await start({ declaration: numbered })
  const answer = await post('{"a":9007199254740993}')
  expect([answer.statusCode, answer.json().errors[0].pointer]).toEqual([400, '/a'])
})

test('a key of its own decides the partition, the id stays the subject', async () => {
  const { post, log } = await start({
    declaration: {
      ...parcels,
      schema: { ...parcels.schema, required: ['number', 'to'] },
      key: '/to',
    },
  })
  await post('{"number":"1","to":"Rome"}')
  const [record] = log.contents[partitionOf(Buffer.from('Rome'), 3)] ?? []
  expect([record?.key.toString(), String(record?.headers['ce_subject'])]).toEqual(['Rome', '1'])
})

test('each sending of one record is an event of its own', async () => {
  const { post, log } = await start({ declaration: parcels })
  const answer = await post(`[${parcel('1')},${parcel('1')}]`)
  expect(answer.json().accepted.map(({ id }: { id: string }) => id)).toEqual(['1', '1'])
  expect(new Set(log.contents.flat().map(({ headers }) => String(headers['ce_id']))).size).toBe(2)
})

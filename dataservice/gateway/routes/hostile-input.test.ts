/** What nobody should send, through the whole route. What the scanner refuses one by one stands in `record/scan.test.ts`. */
import { describe, expect, test } from 'vitest'
import { order, start } from '../testing/gateway-app.ts'

const open = { schema: { type: 'object' }, indexes: [] }
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

describe('a hostile body is refused and leaves nothing in the log', () => {
  const rows: [string, string | Buffer, string][] = [
    ['no JSON', '{"customerId":', 'invalid-json'],
    ['nothing', '', 'invalid-json'],
    ['an empty array', '[]', 'invalid-json'],
    ['an array in an array', `[[${order('a')}]]`, 'invalid-record'],
    ['wrong types', order('a', 'much'), 'invalid-record'],
    ['too deep', `{"a":${'['.repeat(70)}${']'.repeat(70)}}`, 'invalid-json'],
    ['bytes that are no UTF-8', bytes('{"customerId":"', [0xc3, 0x28], '","amount":1}'), 'invalid-json'],
    ['a lone surrogate', order('a').replace('"a"', '"\\ud800"'), 'invalid-json'],
    ['a name twice', '{"customerId":"a","amount":1,"amount":2}', 'invalid-json'],
    ['a number that no double holds', '{"customerId":"a","amount":1e999}', 'invalid-json'],
    ['a number of absurd length', `{"customerId":"a","amount":${'9'.repeat(400)}}`, 'invalid-json'],
    ['NUL', '{"customerId":"a\\u0000","amount":1}', 'invalid-json'],
    ['a property of all objects', '{"__proto__":{"amount":1},"customerId":"a"}', 'invalid-record'],
    ['an inherited property', '{"customerId":"a","constructor":1,"amount":1}', 'invalid-record'],
  ]
  test.each(rows)('%s', async (_, body, code) => {
    const { post, log, budget } = await start()
    const answer = await post(body)
    expect([answer.statusCode, answer.json().type]).toEqual([400, `https://dataservice.dev/problems/${code}`])
    expect([log.contents.flat(), budget.used]).toEqual([[], 0])
  })
})

test('__proto__ in a schema that is open is data like any other', async () => {
  const { post, log } = await start({ declaration: open })
  const text = '{"__proto__":{"isAdmin":true},"a":1}'
  expect((await post(text)).statusCode).toBe(202)
  expect(log.contents.flat()[0]?.value?.toString()).toBe(text)
  expect(Reflect.get({}, 'isAdmin')).toBeUndefined()
})

describe('one bad record among good ones is named by its index, and none is taken', () => {
  const good = order('a')
  test.each([
    ['an array, wrong type', `[${good},${good},${order('b', 'x')}]`, 'application/json', 'invalid-record'],
    ['lines, wrong type', `${good}\n${good}\n${order('b', 'x')}\n`, 'application/x-ndjson', 'invalid-record'],
    ['an array, no JSON', `[${good},${good},{"a":]`, 'application/json', 'invalid-json'],
    ['lines, no JSON', `${good}\n${good}\n{"a":\n${good}`, 'application/x-ndjson', 'invalid-json'],
  ])('%s', async (_, body, type, code) => {
    const { post, log } = await start()
    const answer = await post(body, type)
    expect([answer.statusCode, answer.json()]).toMatchObject([
      400,
      { type: `https://dataservice.dev/problems/${code}`, errors: [{ index: 2 }] },
    ])
    expect(log.contents.flat()).toEqual([])
  })
})

test.each([
  ['  application/json  ', 202],
  ['Application/JSON ; Charset = utf-8', 202],
  ['application/json;', 202],
  ['application/json; charset=utf-8; charset=utf-16', 415],
  ['application/json, text/plain', 415],
  ['application/vnd.api+json', 415],
  ['multipart/form-data; boundary=x', 415],
  ['__proto__', 415],
])('the content type %j answers %i', async (type, status) => {
  const { post } = await start()
  expect((await post(order('a'), type)).statusCode).toBe(status)
})

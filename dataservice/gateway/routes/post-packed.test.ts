import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { order, start } from '../testing/gateway-app.ts'

const packings = Object.entries({ gzip: gzipSync, zstd: zstdCompressSync })
const json = 'application/json'
const problem = (code: string) => `https://dataservice.dev/problems/${code}`

test.each(packings)('a body packed by %s holds the same records', async (encoding, pack) => {
  const { post, log, budget } = await start()
  const records = Array.from({ length: 5_000 }, (_, index) => order('a', index))
  const packed = pack(`[${records.join()}]`)
  const answer = await post(packed, json, { 'content-encoding': encoding.toUpperCase() })
  expect([answer.statusCode, answer.json().accepted?.length]).toEqual([202, 5_000])
  expect(log.contents.flat().map(({ value }) => value?.toString())).toEqual(records)
  expect(budget.used).toBe(0)
})

test.each(packings)('what is broken or has something behind it is refused: %s', async (encoding, pack) => {
  const { post, log, budget } = await start()
  const whole = pack(order('a'))
  const broken = [
    whole.subarray(0, -3),
    Buffer.concat([whole, Buffer.from(order('b'))]),
    Buffer.from(order('a')),
    Buffer.alloc(0),
  ]
  for (const body of broken) {
    const answer = await post(body, json, { 'content-encoding': encoding })
    expect([answer.statusCode, answer.json().type]).toEqual([400, problem('invalid-encoding')])
  }
  expect([log.contents.flat(), budget.used]).toEqual([[], 0])
})

test.each(packings)('a bomb packed by %s is given up as soon as it is too large', async (encoding, pack) => {
  // Were it unpacked any further, there would be no room: 503.
  const { post, budget } = await start({ budgetBytes: 11 * 1024 * 1024 })
  const bomb = pack(Buffer.alloc(24 * 1024 * 1024, ' '))
  const answer = await post(bomb, json, { 'content-encoding': encoding })
  expect([answer.statusCode, answer.json().detail]).toEqual([413, expect.stringContaining('10485760 bytes')])
  expect(budget.used).toBe(0)
})

test('what is unpacked counts into the budget', async () => {
  const { post, budget } = await start({ budgetBytes: 20_000 })
  const body = gzipSync(`[${Array.from({ length: 2_000 }, (_, index) => order('a', index)).join()}]`)
  expect(body.length).toBeLessThan(20_000)
  const answer = await post(body, json, { 'content-encoding': 'gzip' })
  expect([answer.statusCode, answer.json().type]).toEqual([503, problem('overloaded')])
  expect(budget.used).toBe(0)
})

test.each(['deflate', 'br', 'gzip, zstd', 'gzip;q=1'])('the encoding %j is not supported', async encoding => {
  const { post } = await start()
  const answer = await post(order('a'), json, { 'content-encoding': encoding })
  expect([answer.statusCode, answer.headers['accept-encoding']]).toEqual([415, 'gzip, zstd'])
})

test.each([
  ['identity', order('a')],
  ['x-gzip', gzipSync(order('a'))],
])('%s is known by that name, too', async (encoding, body) => {
  const { post } = await start()
  expect((await post(body, json, { 'content-encoding': encoding })).statusCode).toBe(202)
})

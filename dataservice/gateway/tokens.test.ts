import { expect, test } from 'vitest'
import { readTokens, writeToken } from '#dataservice/record/consistency-token.ts'
import { order, start, tokenKey } from './testing/gateway-app.ts'

const tokenOf = (answer: { headers: Record<string, unknown> }) => String(answer.headers['consistency-token'])

test('an accepted record comes with a token of its position', async () => {
  const { post } = await start()
  const answer = await post(order('a'))
  const [partition, offset] = answer.json<{ position: string }>().position.split('-')
  expect(readTokens(tokenKey, tokenOf(answer))).toEqual({
    log: 'memory',
    offsets: new Map([[Number(partition), BigInt(offset ?? '')]]),
  })
})

test('records that went into the log together have the token of the last of them', async () => {
  const { post } = await start({ accumulator: { paceMs: 500 } }) // on a busy machine they come apart, too
  await post(order('alone'))
  const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => post(order(`c${n}`))))
  const asked = new Map<string, bigint[]>()
  for (const answer of answers) {
    const [partition = '', offset = ''] = answer.json<{ position: string }>().position.split('-')
    const upTo = readTokens(tokenKey, tokenOf(answer))?.offsets.get(Number(partition))
    expect(upTo).toBeGreaterThanOrEqual(BigInt(offset))
    asked.set(partition, [...(asked.get(partition) ?? []), upTo ?? -1n])
  }
  for (const offsets of asked.values()) expect(new Set(offsets).size).toBe(1)
})

test('a list has the highest offset of each partition, and what an earlier token asks for', async () => {
  const { post } = await start()
  const first = tokenOf(await post(order('a')))
  const list = [1, 2, 3, 4, 5, 6].map(n => order(`c${n}`)).join('\n')
  const answer = await post(list, 'application/x-ndjson', { 'consistency-token': first })
  const { accepted } = answer.json<{ accepted: { position: string }[] }>()
  const highest = new Map(readTokens(tokenKey, first)?.offsets)
  for (const { position } of accepted) {
    const [partition, offset] = position.split('-').map(Number)
    highest.set(partition ?? -1, BigInt(offset ?? -1))
  }
  expect(readTokens(tokenKey, tokenOf(answer))?.offsets).toEqual(highest)
})

test('a token of a log that was replaced is left behind; what is no token is refused, with nothing accepted', async () => {
  const { post, log } = await start()
  const foreign = writeToken(tokenKey, { log: 'other', offsets: new Map([[0, 99n]]) })
  const answer = await post(order('a'), undefined, { 'consistency-token': foreign })
  expect(readTokens(tokenKey, tokenOf(answer))?.log).toBe('memory')
  const refused = await post(order('a'), undefined, { 'consistency-token': 'abc' })
  expect([refused.statusCode, refused.json().type]).toEqual([
    400,
    'https://dataservice.dev/problems/invalid-token',
  ])
  expect(log.contents.flat()).toHaveLength(1)
})

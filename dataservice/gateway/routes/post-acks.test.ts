import { expect, test } from 'vitest'
import { idPattern, order, start } from '../testing/gateway-app.ts'

const json = 'application/json'
const id = expect.stringMatching(idPattern)
const position = expect.stringMatching(/^\d-\d+$/)

test.each([
  ['acks=all', 3, { id, position, durability: 'replicated' }],
  ['acks=all', 1, { id, position, durability: 'leader' }],
  ['acks=1', 3, { id, position, durability: 'leader' }],
  ['acks=0', 3, { id, durability: 'none' }],
])('Prefer: %s with %i replicas tells who has the record', async (prefer, replicas, told) => {
  const { post, log } = await start({ replicas })
  const answer = await post(order('a'), json, { prefer })
  expect([answer.statusCode, answer.headers['preference-applied'], answer.json()]).toEqual([
    202,
    prefer,
    told,
  ])
  expect(log.acks).toEqual([prefer === 'acks=all' ? 'all' : Number(prefer.slice(-1))])
})

test('a list says it once for all its records', async () => {
  const { post } = await start()
  const answer = await post(`[${order('a')},${order('b')}]`, json, { prefer: 'acks=0' })
  expect(answer.json()).toEqual({ accepted: [{ id }, { id }], durability: 'none' })
})

test.each([{}, { prefer: 'acks=2' }, { prefer: 'respond-async' }])(
  'without a choice the log is written with acks=all, and the answer is as short as can be: %j',
  async headers => {
    const { post, log } = await start()
    const answer = await post(order('a'), json, headers)
    expect([answer.json(), answer.headers['preference-applied']]).toEqual([{ id, position }, undefined])
    expect(log.acks).toEqual(['all'])
  },
)

test.each(['acks=0', 'acks=1'])('%s excludes what needs a record that cannot be lost', async prefer => {
  const { post, log } = await start()
  const refusals = [
    await post(order('a'), json, { prefer: `${prefer}, wait=5` }),
    await post(order('a'), json, { prefer, 'idempotency-key': 'k' }),
  ]
  for (const { statusCode, json: body } of refusals)
    expect([statusCode, body().type, body().detail]).toEqual([
      400,
      'https://dataservice.dev/problems/unsupported-header',
      expect.stringContaining('needs acks=all'),
    ])
  expect(log.contents.flat()).toEqual([])
})

test.each(['acks=0', 'acks=1'])('%s does not hide that the log is away', async prefer => {
  const { post, log } = await start()
  log.decide(() => ({ kind: 'refused', reason: 'away' }))
  expect((await post(order('a'), json, { prefer })).statusCode).toBe(503)
  log.decide(() => ({ kind: 'unknown', reason: 'no answer' }))
  expect((await post(order('a'), json, { prefer })).json().type).toMatch(/outcome-unknown$/)
})

test('each kind of acks has batches of its own, and operators can count them', async () => {
  const { post, log, metrics } = await start()
  const answers = await Promise.all(
    ['acks=all', 'acks=1', 'acks=0'].flatMap(prefer => [
      post(order('a'), json, { prefer }),
      post(order('a'), json, { prefer }),
    ]),
  )
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 202, 202, 202, 202])
  expect([log.acks.toSorted(), log.batches]).toEqual([
    [0, 1, 'all'],
    [2, 2, 2],
  ])
  const text = await metrics.metrics()
  for (const acks of ['all', '1', '0'])
    expect(text).toContain(`dataservice_gateway_records_total{outcome="appended",acks="${acks}"} 2`)
})

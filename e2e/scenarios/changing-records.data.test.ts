/** All roles as processes over a service whose records change: clients race for versions, and a writer dies meanwhile. */
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { changing } from '#e2e/engines/service-settings.ts'
import { followPages, followStream } from './followers.ts'
import { ready, roleStack } from './role-stack.ts'
import { settledIn } from './settled.ts'

interface Answered {
  status: number
  etag: string | undefined
  token: string
  json: Record<string, unknown>
}

async function start() {
  const stack = await roleStack(changing)
  const migrate = await stack.start('migrate')
  expect(await migrate.exitCode, migrate.log()).toBe(0)
  const [gateway, writer, reader] = [
    await stack.start('gateway'),
    await stack.start('writer'),
    await stack.start('reader'),
  ]
  for (const role of [gateway, writer, reader]) await ready(role)
  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Answered> => {
    const answer = await request(`${stack.gatewayUrl}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body }),
    })
    const text = await answer.body.text()
    const { etag, 'consistency-token': token } = answer.headers
    return {
      status: answer.statusCode,
      etag: etag === undefined ? undefined : String(etag),
      token: String(token ?? ''),
      json: text === '' ? {} : JSON.parse(text),
    }
  }
  return { stack, writer, send }
}

const order = (customer: string, amount = 1) => JSON.stringify({ customer, amount })
const wait = { prefer: 'wait=20' }

test('a record is created, replaced, patched and deleted; each version has its ETag, the history all of them', async () => {
  const { send } = await start()
  const posted = await send('POST', '/data', wait, order('a'))
  const url = `/data/${posted.json['id']}`
  expect([posted.status, posted.etag]).toEqual([201, '"1"'])
  const put = await send('PUT', url, { 'if-match': '"1"', ...wait }, order('a', 2))
  expect([put.status, put.etag, put.json['status']]).toEqual([200, '"2"', 'stored'])
  expect((await send('PUT', url, { 'if-match': '"1"' }, order('a', 3))).status).toBe(412)
  const patched = await send('PATCH', url, wait, '{"paid":true}')
  expect([patched.status, patched.etag]).toEqual([200, '"3"'])
  expect((await send('PATCH', url, wait, '{"customer":null}')).status).toBe(422)
  const seen = await send('GET', url, { 'consistency-token': patched.token })
  expect([seen.status, seen.etag, seen.json['record']]).toEqual([
    200,
    '"3"',
    { customer: 'a', amount: 2, paid: true },
  ])
  const gone = await send('DELETE', url, wait)
  expect([gone.status, gone.etag]).toEqual([200, '"4"'])
  expect((await send('GET', url, { 'consistency-token': gone.token })).status).toBe(404)
  expect((await send('DELETE', url, wait)).status).toBe(404)
  const created = { ...wait, 'if-none-match': '*' }
  expect((await send('PUT', '/data/mine', created, order('m'))).status).toBe(200)
  expect((await send('PUT', '/data/mine', created, order('m'))).status).toBe(412)
  const { json } = await send('GET', `${url}/events`, { 'consistency-token': gone.token })
  expect(json['items']).toMatchObject([
    { version: 1, command: 'create', record: { amount: 1 } },
    { version: 2, command: 'replace', record: { amount: 2 } },
    { version: 3, command: 'merge', record: { amount: 2, paid: true } },
    { version: 4, command: 'delete', record: null },
  ])
})

test('clients that race for each version of a counter lose none of their steps, also when the writer is killed', async () => {
  const { stack, writer, send } = await start()
  const followers = [followPages(stack.gatewayUrl, 5), followStream(stack.gatewayUrl)]
  onTestFinished(async () => void (await Promise.all(followers.map(each => each.stop()))))
  const first = await send('PUT', '/data/counter', wait, order('c', 0))
  expect(first.status).toBe(200)
  const [clients, steps] = [4, 12]
  let [won, lost] = [0, 0]
  /** Reads, adds one, writes if nobody else did, and does so again until it went through. */
  const step = async (client: number, n: number) => {
    for (;;) {
      const seen = await send('GET', '/data/counter')
      const amount = Number(Object(seen.json['record'])['amount'])
      const body = JSON.stringify({ amount: amount + 1, address: { city: `${client}-${n}` } })
      const { status } = await send('PATCH', '/data/counter', { 'if-match': seen.etag ?? '', ...wait }, body)
      if (status === 200) {
        won += 1
        return
      }
      expect(status).toBe(412)
      lost += 1
    }
  }
  const racing = Array.from({ length: clients }, async (_, client) => {
    for (let n = 0; n < steps; n++) await step(client, n)
  })
  await settledIn(60_000, async () => expect(won).toBeGreaterThan(10))
  writer.signal('SIGKILL')
  await writer.exitCode
  await ready(await stack.start('writer'))
  await Promise.all(racing)
  const { json, etag } = await send('GET', '/data/counter')
  console.log(`${won} steps went through, ${lost} met another version`)
  expect([Object(json['record'])['amount'], etag]).toEqual([clients * steps, `"${clients * steps + 1}"`])
  const history = await send('GET', '/data/counter/events')
  const amounts = Object(history.json['items']).map(
    ({ record }: { record: { amount: number } }) => record.amount,
  )
  const expected = Array.from({ length: clients * steps + 1 }, (_, n) => n)
  expect(amounts).toEqual(expected)
  for (const { name, items, gaps } of followers) {
    await settledIn(30_000, async () => expect(items.length, name).toBeGreaterThanOrEqual(expected.length))
    expect([items.map(({ record }) => Object(record).amount), gaps], name).toEqual([expected, []])
  }
})

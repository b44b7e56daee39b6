/** All roles as processes over real engines: what goes in by POST comes out by GET, byte for byte, once. */
import { randomBytes } from 'node:crypto'
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { credentialFiles, type Role } from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { parseProgress } from '#dataservice/contract/writer-progress.ts'
import { connectTopics, until } from '#dataservice/platform/kafka/testing/topics.ts'
import { type ApiDocument, expectDocumented } from '#dataservice/testing/api-document.ts'
import { type RoleProcess, startRole } from '#dataservice/testing/role-process.ts'
import { engines } from '#e2e/engines/inject.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { type DatabaseUser, serviceDatabase } from '#e2e/engines/service-database.ts'
import { testSettings } from '#e2e/engines/service-settings.ts'

const users: Readonly<Partial<Record<Role, DatabaseUser>>> = {
  migrate: 'owner',
  maintain: 'owner',
  writer: 'writer',
  reader: 'reader',
}

async function startAll() {
  const { kafka, postgres, redis } = engines()
  const topics = await connectTopics(kafka.bootstrapServers)
  onTestFinished(() => topics.close())
  const topic = await topics.create([[0], [0], [0]])
  const database = await serviceDatabase(postgres)
  const base = testSettings(database.store)
  const readerPort = await freePort()
  const settings: Settings = {
    ...base,
    name: topic,
    log: { ...base.log, brokers: kafka.bootstrapServers, eventsTopic: topic, group: `${topic}.writer` },
    cache: { ...redis, ttlSeconds: 60 },
    reader: { url: `http://127.0.0.1:${readerPort}` },
  }
  const cursorKey = randomBytes(32).toString('hex')
  const run = async (role: Role): Promise<RoleProcess> => {
    const user = users[role]
    const started = await startRole(role, settings, {
      ...(role === 'reader' ? { httpPort: readerPort } : {}),
      credentials: {
        ...(user ? { [credentialFiles.postgresPassword]: database.password(user) } : {}),
        [credentialFiles.redisPassword]: '',
        [credentialFiles.cursorKey]: cursorKey,
      },
    })
    onTestFinished(() => started.remove())
    return started
  }
  const migrate = await run('migrate')
  expect(await migrate.exitCode, migrate.log()).toBe(0)
  const [gateway, writer, reader] = await Promise.all([run('gateway'), run('writer'), run('reader')])
  for (const role of [gateway, writer, reader]) await until(async () => (await role.readiness()) === 200)
  return { gateway, writer, reader, run, database }
}

async function json(url: string, headers: Record<string, string> = {}) {
  const answer = await request(url, { headers })
  const text = await answer.body.text()
  return { status: answer.statusCode, text, json: JSON.parse(text) }
}

test('records go through gateway, log, writer, tables and reader; every role stops in order', async () => {
  const { gateway, writer, reader, run, database } = await startAll()
  const customers = Array.from({ length: 40 }, (_, index) => `c${index}`)
  const bodies = Array.from({ length: 1_000 }, (_, index) => {
    const customer = customers[index % customers.length]
    return `{"amount" : ${index}.50e0,"customer":"${customer}", "paid":${index % 2 === 0},"note":"\\u00e9é"}`
  })
  const posted = await request(`${gateway.url}/data`, {
    method: 'POST',
    body: bodies.join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  })
  expect(posted.statusCode).toBe(202)
  const answer: unknown = await posted.body.json()
  const ids = acceptedIds(answer)
  expect(ids).toHaveLength(1_000)

  // The token makes the reader wait for the writer, so everything is there at once.
  const token = { 'consistency-token': String(posted.headers['consistency-token']) }
  const last = await json(`${gateway.url}/data/${ids[999]}`, token)
  const owner = database.open('owner')
  onTestFinished(() => owner.close())
  expect((await owner.query('SELECT id FROM records')).rows).toHaveLength(1_000)
  const stored = parseProgress(await writer.progress())?.stored ?? new Map<number, bigint>()
  expect([...stored.keys()].sort()).toEqual([0, 1, 2])
  expect([...stored.values()].reduce((sum, offset) => sum + offset)).toBe(1_000n)
  expect(parseProgress(await reader.progress())).toBeUndefined()
  const past = await json(`${reader.url}/data/${ids[999]}`)
  expect([past.status, past.json.type]).toEqual([401, 'https://dataservice.dev/problems/unauthenticated'])
  expect([last.status, last.json.id]).toEqual([200, ids[999]])
  expect(last.text).toContain(`"record":${bodies[999]}`)

  const found: string[] = []
  let next = `${gateway.url}/data?customer=c7&limit=10`
  for (;;) {
    const page = await json(next)
    expect(page.status).toBe(200)
    found.push(...page.json.items.map((item: { id: string }) => item.id))
    if (page.json.next === null) break
    next = `${gateway.url}/data?customer=c7&limit=10&cursor=${encodeURIComponent(page.json.next)}`
  }
  expect(found).toEqual(ids.filter((_, index) => index % 40 === 7).toReversed())

  await expectAsDocumented(gateway.url, String(ids[999]))
  await until(async () => parseProgress(await writer.progress())?.load !== undefined, 60_000)
  const load = parseProgress(await writer.progress())?.load
  expect(load).toMatchObject({ waiting: 0, waitingSeconds: 0 })
  expect(load?.busy).toBeLessThan(1)
  const maintain = await run('maintain')
  expect(await maintain.exitCode, maintain.log()).toBe(0)
  for (const role of [gateway, writer, reader]) {
    role.signal('SIGTERM')
    expect(await role.exitCode, role.log()).toBe(0)
  }
})

/** Every path that can be read is read; what comes is what the service's own document tells. */
async function expectAsDocumented(url: string, id: string) {
  const document: ApiDocument = (await json(`${url}/openapi.json`)).json
  for (const [path, methods] of Object.entries(document.paths)) {
    if (!methods['get']) continue
    for (const each of [id, 'nothing']) {
      const place = path.replace('{id}', each)
      const answer = await request(url + place)
      const contentType = String(answer.headers['content-type'])
      const body = await (contentType === 'text/event-stream' ? begun(answer.body) : answer.body.text())
      expect([place, answer.statusCode]).toEqual([place, place.includes('nothing') ? 404 : 200])
      expectDocumented(document, path, 'get', { status: answer.statusCode, contentType, body })
    }
  }
}

/** The first piece of a body that has no end of its own; the rest is left. */
async function begun(body: AsyncIterable<Buffer>): Promise<string> {
  for await (const piece of body) return piece.toString()
  return ''
}

function acceptedIds(answer: unknown): string[] {
  const accepted: unknown =
    typeof answer === 'object' && answer !== null && 'accepted' in answer ? answer.accepted : []
  if (!Array.isArray(accepted)) return []
  return accepted.map((each: { id: string }) => each.id)
}

/** Makes the database refuse orders of this customer. */
const refuseBadOnes = `CREATE FUNCTION refuse_bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.body ->> 'customer' = 'bad' THEN RAISE 'not this one' USING ERRCODE = '22023'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refuse_bad BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION refuse_bad()`

test('a client that waits is told what became of its records, and a key counts once', async () => {
  const { gateway, database } = await startAll()
  const owner = database.open('owner')
  onTestFinished(() => owner.close())
  await owner.query(refuseBadOnes)
  const send = async (body: string, key?: string) => {
    const headers = {
      'content-type': 'application/json',
      prefer: 'wait=20',
      ...(key && { 'idempotency-key': key }),
    }
    const answer = await request(`${gateway.url}/data`, { method: 'POST', body, headers })
    return {
      code: answer.statusCode,
      location: answer.headers.location,
      body: JSON.parse(await answer.body.text()),
    }
  }
  const order = (customer: string) => JSON.stringify({ customer, amount: 1 })

  const first = await send(order('a'), 'order 1')
  expect(first).toMatchObject({ code: 201, body: { status: 'stored' }, location: `/data/${first.body.id}` })
  expect(await send(order('a'), 'order 1')).toMatchObject({
    code: 200,
    body: { id: first.body.id, status: 'duplicate' },
    location: `/data/${first.body.id}`,
  })
  expect(await send(order('b'), 'order 1')).toMatchObject({
    code: 422,
    body: { type: expect.stringMatching(/idempotency-key-reused$/), id: first.body.id },
  })
  const key = uuid7At(Date.now())
  expect(await send(order('a'), key)).toMatchObject({ code: 201, body: { id: key } })
  expect(await send(order('a'), key)).toMatchObject({ code: 200, body: { id: key, status: 'duplicate' } })
  const list = `[${order('a')},${order('b')}]`
  const both = await send(list, 'list')
  expect(both).toMatchObject({ code: 201, body: { accepted: [{ status: 'stored' }, { status: 'stored' }] } })
  const ids = both.body.accepted.map((each: { id: string }) => each.id)
  expect(await send(list, 'list')).toMatchObject({
    code: 200,
    body: { accepted: ids.map((id: string) => ({ id, status: 'duplicate' })) },
  })
  const loser = await request(`${gateway.url}/data`, {
    method: 'POST',
    body: order('a'),
    headers: { 'content-type': 'application/json', 'idempotency-key': 'order 1' },
  })
  const token = { 'consistency-token': String(loser.headers['consistency-token']) }
  const moved = await request(`${gateway.url}${loser.headers.location}`, { headers: token })
  expect([moved.statusCode, moved.headers.location]).toEqual([308, `/data/${first.body.id}`])
  const refused = await send(order('bad'))
  expect(refused).toMatchObject({ code: 422, body: { detail: expect.stringContaining('Not this one') } })

  expect((await owner.query('SELECT count(*) FROM records')).rows).toEqual([['4']])
  expect((await json(`${gateway.url}/data/${key}/status`)).json).toEqual({ id: key, status: 'stored' })
  expect((await json(`${gateway.url}/data/${refused.body.id}/status`)).json).toEqual({
    id: refused.body.id,
    status: 'refused',
    reason: 'not this one',
  })
})

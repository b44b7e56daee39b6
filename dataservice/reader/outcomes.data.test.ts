/** What the reader tells of records on their way, over the tables as the writer fills them. */
import { expect, onTestFinished, test } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { changing, naturalIds } from '#e2e/engines/service-settings.ts'
import { Outcomes } from './outcomes.ts'
import { openStore } from './store.ts'
import { openReader } from './testing/reader-app.ts'

const topic = 'shop.orders.events'

async function world(changes: Partial<Settings> = {}) {
  const service = await migratedService(engines().postgres, changes)
  const [database, owner] = [service.open('reader'), service.open('owner')]
  const { by } = service.settings.partitioning
  const outcomes = new Outcomes({ store: openStore({ reads: database, topic }), topic, by, now: Date.now })
  const { app } = await openReader(service)
  onTestFinished(async () => void (await Promise.all([database.close(), owner.close()])))
  const run = (text: string, ...values: string[]) => owner.query({ text, values })
  await run(`INSERT INTO ingest_offsets VALUES ($1, 2, 'c', 100, 'e', 1, 'w')`, topic)
  const put = (offset: number, event: string, record: string, outcome: string, reason = '') =>
    run(
      `INSERT INTO outcomes (event_id, topic, partition, log_offset, record_id, record_key, outcome, winner, reason)
VALUES ($1, $2, 2, $3, $4, 'k', $5, CASE WHEN $5 IN ('duplicate', 'id-conflict') THEN $4 END, nullif($6, ''))`,
      event,
      topic,
      String(offset),
      record,
      outcome,
      reason,
    )
  const get = async (url: string) => {
    const answer = await app.inject({ url })
    return [answer.statusCode, answer.json()]
  }
  return { run, put, get, outcomes, app }
}

const status = (id: string, position?: string) =>
  `/data/${encodeURIComponent(id)}/status${position ? `?position=${position}` : ''}`

test('a record with an id of ours is pending, stored, refused, held or unknown', async () => {
  const { run, put, get } = await world()
  const [young, stored] = [uuid7At(Date.now()), uuid7At(Date.now())]
  const [refused, held] = [uuid7At(Date.now()), uuid7At(Date.now())]
  await run(`INSERT INTO records VALUES ($1, 'k', now(), 'v', '{}')`, stored)
  await put(7, refused, refused, 'refused', 'invalid input syntax for type json')
  expect(await get(status(young))).toEqual([200, { id: young, status: 'pending' }])
  expect(await get(status(stored.toUpperCase()))).toEqual([200, { id: stored, status: 'stored' }])
  expect(await get(status(refused))).toEqual([
    200,
    { id: refused, status: 'refused', reason: 'invalid input syntax for type json' },
  ])
  await put(8, held, held, 'held')
  const reason = 'a record with the same key was refused before it'
  expect(await get(status(held))).toEqual([200, { id: held, status: 'held', reason }])
  expect(await get(status(uuid7At(Date.now() - 60_000)))).toMatchObject([404, { status: 404 }])
  expect(await get(status('no id'))).toMatchObject([404, {}])
})

test('the position tells whether an old record is still on its way', async () => {
  const { run, get } = await world()
  const old = uuid7At(Date.now() - 3_600_000)
  expect(await get(status(old, '2-100'))).toEqual([200, { id: old, status: 'pending' }])
  expect(await get(status(old, '5-0'))).toEqual([200, { id: old, status: 'pending' }])
  expect(await get(status(old, '2-99'))).toMatchObject([404, {}])
  await run('SELECT ensure_partition($1)', old) // in the first hour of a day it is of the day before
  await run(`INSERT INTO records VALUES ($1, 'k', now(), 'v', '{}')`, old)
  expect(await get(status(old, '2-99'))).toEqual([200, { id: old, status: 'stored' }])
  for (const wrong of ['x', '2', '2-', '-1-2', '2-1e3', `2-${'9'.repeat(19)}`])
    expect(await get(status(old, wrong))).toMatchObject([400, { errors: [{ parameter: 'position' }] }])
})

test('of two records with one natural id each has the outcome of its own position', async () => {
  const { run, put, get } = await world(naturalIds)
  const id = 'a/b ü'
  await run(`INSERT INTO records VALUES ($1, 'k', now(), 'v', '{}', $2, '')`, id, uuid7At(Date.now()))
  await put(5, 'e5', id, 'id-conflict')
  await put(6, 'e6', id, 'duplicate')
  expect(await get(status(id, '2-4'))).toEqual([200, { id, status: 'stored' }])
  expect(await get(status(id, '2-5'))).toEqual([
    200,
    { id, status: 'conflict', winner: id, reason: 'another record has this id' },
  ])
  expect(await get(status(id, '2-6'))).toMatchObject([200, { status: 'duplicate', winner: id }])
  expect(await get(status(id))).toEqual([200, { id, status: 'stored' }])
  await put(8, 'e8', 'other', 'expired')
  expect(await get(status('other'))).toMatchObject([200, { status: 'expired' }])
})

test.each([
  {
    kind: 'natural ids',
    settings: naturalIds,
    stored: `INSERT INTO records VALUES ($1, 'k', now(), 'v', '{}', $2, '')`,
    outcome: 'id-conflict',
    told: 'conflict',
  },
  {
    kind: 'records that change',
    settings: changing,
    stored: `INSERT INTO records VALUES ($1, 'k', now(), 'v1', '{}', 1, now(), $2)`,
    outcome: 'version-conflict',
    told: 'version-conflict',
  },
])(
  '$kind: what stands under the id already is no answer for one that the writer has not come to',
  async ({ settings, stored, outcome, told }) => {
    const { run, put, get, outcomes } = await world(settings)
    await run(stored, 'a', uuid7At(Date.now()))
    expect(await get(status('a', '2-99'))).toEqual([200, { id: 'a', status: 'stored' }])
    expect(await get(status('a', '2-100'))).toEqual([200, { id: 'a', status: 'pending' }])
    const ask = { deadline: performance.now() + 5_000 }
    const seenBy = (ownKey: string, id: string, offset: bigint) =>
      outcomes.status({ id, ownKey, position: { partition: 2, offset } }, ask)
    // The same for an id that nobody has: it does not tell whether somebody else's record is there.
    for (const id of ['a', 'nobody'])
      expect(await seenBy('another', id, 100n)).toEqual({ id, status: 'pending' })
    expect(await seenBy('another', 'a', 99n)).toBeUndefined()
    await put(100, uuid7At(Date.now()), 'a', outcome)
    await run('UPDATE ingest_offsets SET next_offset = 101')
    expect(await get(status('a', '2-100'))).toMatchObject([200, { status: told }])
  },
)

test('a caller that sees one key only is told nothing of others', async () => {
  const { run, put, outcomes } = await world(naturalIds)
  await run(`INSERT INTO records VALUES ('a', 'k', now(), 'v', '{}', $1, '')`, uuid7At(Date.now()))
  await put(5, 'e5', 'b', 'refused')
  for (const id of ['a', 'b']) {
    const ask = { deadline: performance.now() + 5_000 }
    expect(await outcomes.status({ id, ownKey: 'another' }, ask)).toBeUndefined()
    expect(await outcomes.status({ id, ownKey: 'k' }, ask)).toBeDefined()
  }
})

test('a gateway is told up to where all is decided, and what is not stored there', async () => {
  const { run, put, get } = await world()
  expect(await get('/outcomes?partition=9&from=0&to=5')).toEqual([200, { next: '0', outcomes: [] }])
  expect(await get('/outcomes?partition=2&from=0&to=5')).toEqual([200, { next: '100', outcomes: [] }])
  for (const offset of [3, 5, 9]) await put(offset, `e${offset}`, 'r', 'refused', `why ${offset}`)
  expect(await get('/outcomes?partition=2&from=3&to=8')).toEqual([
    200,
    {
      next: '100',
      outcomes: [3, 5].map(n => ({
        offset: `${n}`,
        eventId: `e${n}`,
        status: 'refused',
        reason: `why ${n}`,
      })),
    },
  ])
  await run(`INSERT INTO outcomes (event_id, topic, partition, log_offset, record_id, record_key, outcome)
SELECT 'm' || n, '${topic}', 2, n, '', '', 'refused' FROM generate_series(10, 1500) AS n`)
  const [, many] = await get('/outcomes?partition=2&from=0&to=2000')
  expect(many.outcomes).toHaveLength(1_000)
  expect(many.next).toBe(String(BigInt(many.outcomes.at(-1).offset) + 1n))
  expect(await get('/outcomes?partition=x')).toMatchObject([400, {}])
})

test('a record that another one stands for under its key is found there', async () => {
  const { run, put, get, app } = await world()
  const [winner, loser, refused] = [0, 1, 2].map(() => uuid7At(Date.now() - 60_000)) as [
    string,
    string,
    string,
  ]
  await run(`INSERT INTO records VALUES ($1, 'k', now(), 'v', '{}')`, winner)
  await put(5, loser, loser, 'duplicate')
  await run('UPDATE outcomes SET winner = $1', winner)
  await put(6, refused, refused, 'refused')
  const moved = await app.inject({ url: `/data/${loser}?fields=a` })
  expect([moved.statusCode, moved.headers.location, moved.body]).toEqual([
    308,
    `/data/${winner}?fields=a`,
    '',
  ])
  expect((await get(`/data/${winner}`))[0]).toBe(200)
  expect((await get(`/data/${refused}`))[0]).toBe(404)
  expect(await get(status(loser))).toMatchObject([200, { status: 'duplicate', winner }])
  await run('DELETE FROM outcomes WHERE record_id = $1', loser)
  expect((await get(`/data/${loser}`))[0]).toBe(404)
})

/** A GET with a Consistency-Token sees the write that the token came from. */
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import { makeCircuit } from '#dataservice/platform/circuit.ts'
import { DatabaseFailure, isLost } from '#dataservice/platform/postgres/failure.ts'
import { guardedReads, type Reads } from '#dataservice/platform/postgres/reads.ts'
import { writeToken } from '#dataservice/record/consistency-token.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { changing } from '#e2e/engines/service-settings.ts'
import { openReader, testKey } from './testing/reader-app.ts'
import { insert, putVersion, storedUpTo } from './testing/rows.ts'

const log = 'cluster-1'
const problem = (name: string): string => `https://dataservice.dev/problems/${name}`
let service: MigratedService
/** Its log stands still, as the one of a replica that is behind. */
let behind: MigratedService
beforeAll(async () => {
  service = await migratedService(engines().postgres)
  behind = await migratedService(engines().postgres)
  for (const each of [service, behind])
    for (const partition of [0, 1]) await storedUpTo(each, { log, partition, nextOffset: 10n })
})

const token = (offsets: Record<number, bigint>, of = log) => ({
  'consistency-token': writeToken(testKey, {
    log: of,
    offsets: new Map(Object.entries(offsets).map(([partition, offset]) => [Number(partition), offset])),
  }),
})
const old = () => uuid7At(Date.now() - 86_400_000 * Math.random())

/** What `before` throws is the answer to the question. */
const watched = (reads: Reads, before: () => void): Reads => ({
  busy: 0,
  waiting: 0,
  async query(...question) {
    before()
    return reads.query(...question)
  },
})

describe('a write that is stored already', () => {
  test('is seen at once, past what the caches say of its absence', async () => {
    const { get } = await openReader(service)
    const id = old()
    expect((await get(`/data/${id}`)).statusCode).toBe(404)
    await insert(service, [{ id, body: '{"customer":"c1"}' }])
    const seen = await get(`/data/${id}`, token({ 0: 9n, 1: 3n }))
    expect([seen.statusCode, seen.json().id]).toEqual([200, id])
  })

  test('is seen in a page that was cached before it', async () => {
    const { get } = await openReader(service)
    const url = '/data?customer=cached'
    expect((await get(url)).json().items).toEqual([])
    await insert(service, [{ id: old(), body: '{"customer":"cached"}' }])
    expect((await get(url, token({ 0: 9n }))).json().items).toHaveLength(1)
    expect((await get('/data?customer=none', token({ 0: 9n }))).json()).toEqual({ items: [], next: null })
    expect((await get(`${url}&count=exact`, token({ 0: 9n }))).json().count.value).toBe(1)
  })
})

describe('a write that is not stored yet', () => {
  test('is waited for', async () => {
    const { get } = await openReader(service)
    const id = old()
    await storedUpTo(service, { log, partition: 1, nextOffset: 10n })
    const answer = get(`/data/${id}`, token({ 0: 9n, 1: 10n }))
    await insert(service, [{ id, body: '{}' }])
    await storedUpTo(service, { log, partition: 1, nextOffset: 11n })
    expect((await answer).statusCode).toBe(200)
  })

  test('is answered 504 when the deadline has passed', async () => {
    const { get } = await openReader(service)
    const headers = { ...token({ 0: 999n }), 'dataservice-deadline-ms': '300' }
    for (const url of ['/data', `/data/${old()}`]) {
      const answer = await get(url, headers)
      expect([answer.statusCode, answer.json().type, answer.headers['retry-after']]).toEqual([
        504,
        'https://dataservice.dev/problems/not-stored-yet',
        '1',
      ])
    }
  })

  test('in a replica that is behind is read from the primary', async () => {
    const primary = service.open('reader')
    onTestFinished(() => primary.close())
    const asked = { replica: 0, primary: 0 }
    const counted = (name: keyof typeof asked, reads: Reads) =>
      watched(reads, () => {
        asked[name] += 1
      })
    const { get } = await openReader(behind, {
      between: reads => counted('replica', reads),
      primary: counted('primary', primary),
    })
    const id = old()
    await insert(service, [{ id, body: '{}' }])
    await storedUpTo(service, { log, partition: 0, nextOffset: 50n })
    expect((await get(`/data/${id}`, token({ 0: 49n }))).statusCode).toBe(200)
    expect(asked.replica).toBeGreaterThanOrEqual(1)
    expect(asked.primary).toBe(1)
    expect((await get('/data', token({ 0: 9n }))).statusCode).toBe(200)
    expect(asked.primary).toBe(1)
  })
})

/** A replica that is cut off from its primary. */
async function cutOff(settings?: Partial<Settings>) {
  const first = await migratedService(engines().postgres, settings)
  const second = await migratedService(engines().postgres, settings)
  const opened = first.open('reader')
  onTestFinished(() => opened.close())
  const state = { isAway: false, asked: 0 }
  const primary = watched(opened, () => {
    state.asked += 1
    if (state.isAway) throw new DatabaseFailure('gone', 'lost')
  })
  return { ...(await openReader(second, { primary })), primary: first, replica: second, state }
}

describe('without a token, what a replica does not have', () => {
  test('is read from the primary', async () => {
    const { get, primary, replica, state } = await cutOff()
    const [here, there] = [old(), old()]
    await insert(replica, [{ id: here, body: '{}' }])
    await insert(primary, [{ id: there, body: '{"customer":"c1"}' }])
    expect((await get(`/data/${here}`)).statusCode).toBe(200)
    expect(state.asked).toBe(0)
    expect((await get(`/data/${there}?fields=customer`)).json().record).toEqual({ customer: 'c1' })
    expect((await get(`/data/${there}`)).statusCode).toBe(200)
    const nowhere = await get(`/data/${old()}`)
    expect([nowhere.statusCode, nowhere.json().type]).toEqual([404, problem('record-not-found')])
  })

  test.each([
    {
      id: old(),
      settings: undefined,
      put: (at: MigratedService, id: string) => insert(at, [{ id, body: '{}' }]),
    },
    {
      id: 'k1',
      settings: changing,
      put: (at: MigratedService, id: string) => putVersion(at, { id, version: 1, body: '{}' }),
    },
  ])('is not said to be nowhere while the primary is away: $id', async ({ id, settings, put }) => {
    const { get, primary, state } = await cutOff(settings)
    state.isAway = true
    const answer = await get(`/data/${id}`)
    expect([answer.statusCode, answer.json().type]).toEqual([404, problem('not-yet-visible')])
    expect(answer.headers['retry-after']).toBe('1')
    state.isAway = false
    await put(primary, id)
    expect((await get(`/data/${id}`)).statusCode).toBe(200) // nobody kept that it was nowhere
  })
})

test('a record that was made anew is not hidden by a replica that has only its deletion', async () => {
  const { get, primary, replica, state } = await cutOff(changing)
  for (const [id, at] of [
    ['anew', replica],
    ['gone', replica],
    ['gone', primary],
  ] as const) {
    await putVersion(at, { id, version: 1, body: '{}' })
    await putVersion(at, { id, version: 2 })
  }
  state.isAway = true
  for (const url of ['/data/anew', '/data/anew?fields=customer']) {
    const doubtful = await get(url)
    expect([doubtful.statusCode, doubtful.json().type]).toEqual([404, problem('not-yet-visible')])
  }
  state.isAway = false
  await putVersion(primary, { id: 'anew', version: 3, body: '{"customer":"c1"}' })
  const found = await get('/data/anew')
  expect([found.statusCode, found.headers.etag]).toEqual([200, '"3"'])
  expect((await get('/data/anew?fields=customer')).json().record).toEqual({ customer: 'c1' })
  const gone = await get('/data/gone')
  expect([gone.statusCode, gone.json().type]).toEqual([404, problem('record-not-found')])
})

test.each([
  { who: 'a primary', replica: 'behind' },
  { who: 'a primary and its replica', replica: 'away' },
])('$who away for a moment: waited for; away for longer: 504, not 503', async ({ replica }) => {
  const database = service.open('reader')
  onTestFinished(() => database.close())
  const state = { isAway: true, refused: 0 }
  const primary = watched(database, () => {
    if (!state.isAway) return
    state.refused += 1
    throw new DatabaseFailure('gone', 'lost')
  })
  const { get } = await openReader(behind, {
    primary,
    ...(replica === 'away' && { between: () => primary }),
  })
  await storedUpTo(service, { log, partition: 0, nextOffset: 60n })
  const headers = token({ 0: 59n })
  const late = await get('/data', { ...headers, 'dataservice-deadline-ms': '400' })
  expect([late.statusCode, late.json().type]).toEqual([
    504,
    'https://dataservice.dev/problems/not-stored-yet',
  ])
  state.refused = 0
  const answer = get('/data', headers)
  await vi.waitFor(() => expect(state.refused).toBeGreaterThan(1), { timeout: 4_000 })
  state.isAway = false
  expect((await answer).statusCode).toBe(200)
})

describe('without a token, while neither replica nor primary answers', () => {
  const store = 'https://dataservice.dev/problems/store-unavailable'

  /** Both behind one circuit, as in a pod. */
  async function bothAway() {
    const state = { isAway: true, asked: 0 }
    const away = (reads: Reads) =>
      watched(reads, () => {
        state.asked += 1
        if (state.isAway) throw new DatabaseFailure('gone', 'lost')
      })
    const primary = service.open('reader')
    onTestFinished(() => primary.close())
    const circuit = makeCircuit({ isFailure: isLost })
    const between = (reads: Reads) => guardedReads(away(reads), circuit)
    return { ...(await openReader(service, { primary, between })), state, circuit }
  }

  test('a moment is waited for, also behind a circuit that opened', async () => {
    const { get, state, circuit } = await bothAway()
    const answers = ['/data', '/data?limit=7', `/data/${old()}`].map(url => get(url))
    await vi.waitFor(() => expect(circuit.state).toBe('open'), { timeout: 1_000, interval: 5 })
    state.isAway = false
    expect((await Promise.all(answers)).map(({ statusCode }) => statusCode)).toEqual([200, 200, 404])
  })

  test('what lasts is told as 503, and then at once', async () => {
    const { get, state } = await bothAway()
    const late = await get('/data')
    expect([late.statusCode, late.json().type]).toEqual([503, store])
    const { asked } = state
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => get(`/data?limit=${n + 1}`)))
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([503]))
    expect(state.asked - asked).toBeLessThanOrEqual(1)
  })

  test('nobody waits whose deadline is near', async () => {
    const { get, state } = await bothAway()
    const answer = await get('/data', { 'dataservice-deadline-ms': '2500' })
    expect([answer.statusCode, answer.json().type]).toEqual([503, store])
    expect(state.asked).toBe(1)
  })
})

test.each([
  ['of a log that was replaced', token({ 0: 1n }, 'another')],
  ['that we did not write', { 'consistency-token': 'abc.def' }],
])('a token %s is refused', async (_, headers) => {
  const { get } = await openReader(service)
  for (const url of ['/data', `/data/${old()}`]) {
    const answer = await get(url, headers)
    expect([answer.statusCode, answer.json().type]).toEqual([
      400,
      'https://dataservice.dev/problems/invalid-token',
    ])
  }
})

test('a deadline that has passed is not asked for', async () => {
  const { get } = await openReader(service)
  const answer = await get('/data', { 'dataservice-deadline-ms': '0' })
  expect([answer.statusCode, answer.json().type]).toEqual([
    504,
    'https://dataservice.dev/problems/reader-timeout',
  ])
})

test('the server gives a statement up when its caller does', async () => {
  const database = service.open('reader')
  onTestFinished(() => database.close())
  const started = performance.now()
  await expect(database.query('SELECT pg_sleep(4)', 200)).rejects.toMatchObject({ sqlState: '57014' })
  expect(performance.now() - started).toBeLessThan(2_000)
  expect((await database.query('SHOW statement_timeout')).rows).toEqual([['5s']])
  expect((await database.query('SHOW statement_timeout', 90)).rows).toEqual([['100ms']])
})

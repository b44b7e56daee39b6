import { expect, test } from 'vitest'
import type { CacheAnswer } from '#dataservice/platform/redis/cache.ts'
import {
  mark,
  readVersioned,
  type Seen,
  seenValue,
  type Versioned,
} from '#dataservice/platform/redis/versioned.ts'
import { liftingTo } from '#dataservice/record/lifting.ts'
import { CurrentRecords, maxRecordMs } from './current.ts'
import { type Entity, versionedEntity } from './entity.ts'
import { asStored, type RowLifting, rowLifting } from './row-lifting.ts'

const now = 1_000_000

interface Setting {
  held?: Versioned
  away?: boolean
  lifting?: RowLifting
}

/** A cache that has one value, and readers that ask a replica and the primary. */
function world({ held, away = false, lifting = asStored }: Setting = {}) {
  const kept: (Seen | undefined)[] = []
  const counted: string[] = []
  const answer = (): CacheAnswer => {
    if (away) return { kind: 'away' }
    return held ? { kind: 'hit', value: held.value } : { kind: 'miss' }
  }
  const records = new CurrentRecords({
    cache: {
      get: async () => answer(),
      setNewest: values => void kept.push(...values.map(({ value }) => readVersioned(value)?.seen)),
    },
    metrics: { countCache: (_, result) => void counted.push(result) },
    recordTtlMs: 60_000,
    lifting,
    now: () => now,
  })
  return { records, kept, counted }
}

const body = (version: number) => Buffer.from(`"version ${version}"`)
const entity = (version: number): Entity =>
  versionedEntity({ version, born: now, body: version === 0 ? undefined : body(version) }, 1)
const cached = (version: number, age: number): Versioned =>
  seenValue('a', { version, born: now - age, body: body(version) })
const found = (version: number) => ({ find: async () => entity(version) })

test.each([
  ['as old as it may be', cached(3, maxRecordMs - 1), 3],
  ['too old', cached(3, maxRecordMs), 4],
  ['of a clock a little ahead', cached(3, -900), 3],
  ['of the future', cached(3, -5_000), 4],
  ['only marked', mark('a', 4n), 4],
  ['nothing that we wrote', { key: '', value: Buffer.from('x') }, 4],
])('what the cache has is %s', async (_, held, version) => {
  const { records } = world({ held })
  expect((await records.get('a', found(4))).version).toBe(version)
})

test('what is not there is believed for a second only', async () => {
  const absent = (age: number) => seenValue('a', { version: 2, born: now - age, body: undefined })
  expect((await world({ held: absent(999) }).records.get('a', found(3))).body).toBeUndefined()
  expect((await world({ held: absent(1_000) }).records.get('a', found(3))).version).toBe(3)
})

test('what Postgres says is kept with the moment before it was asked; without Redis it is answered all the same', async () => {
  const { records, kept, counted } = world({ away: true })
  expect((await records.get('a', found(7))).body).toEqual(body(7))
  expect([kept, counted]).toEqual([[{ version: 7, born: now, body: body(7) }], ['away']])
})

test('where Redis knows of a newer version than a replica, the primary is asked', async () => {
  const { records, kept } = world({ held: mark('a', 9n) })
  const question = { ...found(8), findNewest: async () => entity(9) }
  expect((await records.get('a', question)).version).toBe(9)
  expect(kept.map(seen => seen?.version)).toEqual([9])
  const alone = { ...found(8), findNewest: () => Promise.reject(new Error('away')) }
  expect((await records.get('a', alone)).version).toBe(8)
})

test('a record that another one stands for is not kept as absent', async () => {
  const { records, kept } = world()
  await records.get('a', { find: async () => ({ ...entity(0), winner: 'b' }) })
  expect(kept).toEqual([])
})

test('what another reader cached in another form is asked for anew', async () => {
  const lifting = rowLifting(
    liftingTo([
      { name: 'v1', upgrade: [] },
      { name: 'v2', upgrade: [] },
    ]),
  )
  const text = (version: string, record: string) =>
    Buffer.from(
      `{"id":"a\\",\\"schemaVersion\\":\\"v2","acceptedAt":"t","schemaVersion":"${version}","record":${record}}`,
    )
  const answered = async (held: Buffer) => {
    const { records, counted } = world({
      held: seenValue('a', { version: 1, born: now, body: held }),
      lifting,
    })
    const { tag } = await records.get('a', {
      find: async () => versionedEntity({ version: 1, born: now, body: held }, 2),
    })
    return [tag, ...counted]
  }
  expect(await answered(text('v2', '{}'))).toEqual(['1-2', 'hit'])
  expect(await answered(text('v1', '{"x":1,"schemaVersion":"v2"}'))).toEqual(['1-2', 'miss'])
})

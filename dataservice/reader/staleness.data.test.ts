/**
 * Random writes and reads of records that change, with two instances of Redis, while one dies, loses what it had, gets old
 * copies back, and is not told of changes: nobody is given a record that was replaced longer ago than a reader trusts the cache.
 */
import { randomBytes } from 'node:crypto'
import { Redis as Client } from 'ioredis'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { type Cache, openCache } from '#dataservice/platform/redis/cache.ts'
import { mark, stateKey } from '#dataservice/platform/redis/versioned.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { startRedis } from '#e2e/engines/redis.ts'
import { changing } from '#e2e/engines/service-settings.ts'
import { openReader } from './testing/reader-app.ts'

const ids = ['a', 'b', 'c', 'd']
/** What the readers of this test trust the cache for. */
const trustMs = 1_000
/** A busy machine answers late. */
const slackMs = 500
const roundMs = 1_500

interface Address {
  host: string
  port: number
}

type Addresses = Address & { peers?: readonly Address[] }

/** Who is told of a change. */
type Told = Pick<Cache, 'setNewest'>

const nobody: Told = { setNewest() {} }

function telling(addresses: Addresses, prefix: string): Told {
  const cache = openCache({ ...addresses, prefix, log: pino({ level: 'silent' }) })
  onTestFinished(() => cache.close())
  return cache
}

/** One writer that tells Redis, as the real one does: before the commit, and nobody waits for it. */
async function writing(address: Address) {
  const settings = { ...changing, cache: { ...address, ttlSeconds: trustMs / 1_000 } }
  const service = await migratedService(engines().postgres, settings)
  const owner = service.open('owner')
  onTestFinished(() => owner.close())
  /** By id, when each version was there at the latest; the first has number 1. */
  const committed = new Map(ids.map(id => [id, [0]]))
  const write = async (id: string, told: Told) => {
    const times = committed.get(id) ?? []
    const version = times.length
    await owner.transaction(async session => {
      await session.query({
        text: `INSERT INTO records VALUES ($1, $1, now(), 'v1', $2, $3, now(), $4)
ON CONFLICT (id) DO UPDATE SET body = excluded.body, version = excluded.version`,
        values: [id, version % 5 === 4 ? null : `{"amount":${version}}`, version, uuid7At(Date.now())],
      })
      told.setNewest([mark(id, BigInt(version))], { onlyNewer: true })
    })
    times.push(performance.now())
  }
  return { service, committed, write }
}

test('a reader never gives what was replaced longer ago than it trusts the cache', async () => {
  const [first, second] = [await startRedis(), await startRedis()]
  for (const redis of [first, second]) onTestFinished(() => redis.remove())
  const addresses = { host: first.host, port: first.port, peers: [{ host: second.host, port: second.port }] }
  const prefix = `${randomBytes(6).toString('hex')}:`
  const both = telling(addresses, prefix)
  const { service, committed, write } = await writing(first)
  const opened = () => openReader(service, { redis: addresses, prefix })
  const readers = [await opened(), await opened()]
  for (const id of ids) await write(id, both)

  let worstMs = 0
  let reads = 0
  /** How long ago what was given had been replaced when it was asked for. A deletion is as good as any version. */
  const read = async (id: string, reader: (typeof readers)[number] | undefined) => {
    const asked = performance.now()
    const times = committed.get(id) ?? []
    const newest = times.length - 1
    const answer = await reader?.get(`/data/${id}`)
    reads += 1
    if (answer?.statusCode === 404) {
      // It tells no version: a deleted one must have been there lately.
      const deleted = times.findLastIndex((_, version) => version > 0 && version % 5 === 4)
      worstMs = Math.max(worstMs, deleted < 0 ? Infinity : asked - (times[deleted + 1] ?? asked))
      return
    }
    expect(answer?.statusCode).toBe(200)
    const version = Number(String(answer?.headers.etag).replaceAll('"', ''))
    if (version < newest) worstMs = Math.max(worstMs, asked - (times[version + 1] ?? asked))
  }

  /** Writes and reads at random until the time is over. */
  const round = async (told: () => Told, meanwhile: () => Promise<unknown> = async () => {}) => {
    const until = performance.now() + roundMs
    const client = async (number: number) => {
      while (performance.now() < until) {
        const id = ids[Math.floor(Math.random() * ids.length)] ?? 'a'
        if (number === 0) await write(id, told())
        else await read(id, readers[number % readers.length])
        await new Promise(resolve => setTimeout(resolve, number === 0 ? 20 : 2))
      }
    }
    await Promise.all([...[0, 1, 2, 3].map(client), meanwhile()])
  }

  const raws = [first, second].map(({ host, port }) => {
    const raw = new Client({ host, port, keyPrefix: prefix })
    raw.on('error', () => {})
    onTestFinished(() => raw.disconnect())
    return raw
  })
  await round(() => both)
  const values = await Promise.all(ids.map(id => raws[0]?.getBuffer(stateKey(id))))
  const copies = values.flatMap((value, n) => (value ? [{ key: stateKey(ids[n] ?? ''), value }] : []))
  await round(() => (Math.random() < 0.5 ? both : nobody)) // every second word is lost
  await round(
    () => both,
    async () => {
      await first.kill('SIGKILL')
      await first.start()
    },
  )
  // Readers ask the second, which is older now; the writer does not reach it.
  const firstAlone = telling(first, prefix)
  await round(() => firstAlone)
  // Old copies come back, again and again, and nothing ends them.
  await round(
    () => both,
    async () => {
      for (let n = 0; n < 20; n++) {
        await Promise.all(raws.flatMap(raw => copies.map(({ key, value }) => raw.set(key, value))))
        await new Promise(resolve => setTimeout(resolve, roundMs / 20))
      }
    },
  )
  // Both are away.
  await round(
    () => both,
    async () => {
      await Promise.all([first, second].map(redis => redis.kill('SIGKILL')))
      await Promise.all([first, second].map(redis => redis.start()))
    },
  )
  const counted = await readers[1]?.cached()
  console.info(`${reads} reads, at worst ${Math.round(worstMs)} ms behind`, counted)
  expect(worstMs).toBeLessThan(trustMs + slackMs)
  expect(copies.length).toBeGreaterThan(0)
  expect([counted?.['record hit'], counted?.['record away']]).toEqual([
    expect.any(Number),
    expect.any(Number),
  ])
})

/**
 * Random writes and reads of records that change, while Redis dies, loses what it had, gets old copies back, and is not
 * told of changes: nobody is given a record that was replaced longer ago than a reader trusts the cache.
 */
import { randomBytes } from 'node:crypto'
import { Redis as Client } from 'ioredis'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { openCache } from '#dataservice/platform/redis/cache.ts'
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

/** One writer that tells Redis, as the real one does: before the commit, and nobody waits for it. */
async function writing(address: { host: string; port: number }, prefix: string) {
  const settings = { ...changing, cache: { ...address, ttlSeconds: trustMs / 1_000 } }
  const service = await migratedService(engines().postgres, settings)
  const owner = service.open('owner')
  const cache = openCache({ ...address, prefix, log: pino({ level: 'silent' }) })
  onTestFinished(async () => {
    await owner.close()
    await cache.close()
  })
  /** By id, when each version was there at the latest; the first has number 1. */
  const committed = new Map(ids.map(id => [id, [0]]))
  const write = async (id: string, isTold: boolean) => {
    const times = committed.get(id) ?? []
    const version = times.length
    await owner.transaction(async session => {
      await session.query({
        text: `INSERT INTO records VALUES ($1, $1, now(), 'v1', $2, $3, now(), $4)
ON CONFLICT (id) DO UPDATE SET body = excluded.body, version = excluded.version`,
        values: [id, version % 5 === 4 ? null : `{"amount":${version}}`, version, uuid7At(Date.now())],
      })
      if (isTold) cache.setNewest([mark(id, BigInt(version))], { onlyNewer: true })
    })
    times.push(performance.now())
  }
  return { service, committed, write }
}

test('a reader never gives what was replaced longer ago than it trusts the cache', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.remove())
  const prefix = `${randomBytes(6).toString('hex')}:`
  const { service, committed, write } = await writing(redis, prefix)
  const readers = [await openReader(service, { redis, prefix }), await openReader(service, { redis, prefix })]
  for (const id of ids) await write(id, true)

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
  const round = async (isTold: () => boolean, meanwhile: () => Promise<unknown> = async () => {}) => {
    const until = performance.now() + roundMs
    const client = async (number: number) => {
      while (performance.now() < until) {
        const id = ids[Math.floor(Math.random() * ids.length)] ?? 'a'
        if (number === 0) await write(id, isTold())
        else await read(id, readers[number % readers.length])
        await new Promise(resolve => setTimeout(resolve, number === 0 ? 20 : 2))
      }
    }
    await Promise.all([...[0, 1, 2, 3].map(client), meanwhile()])
  }

  const raw = new Client({ host: redis.host, port: redis.port, keyPrefix: prefix })
  raw.on('error', () => {})
  onTestFinished(() => raw.disconnect())
  await round(() => true)
  const copies = await Promise.all(ids.map(id => raw.getBuffer(stateKey(id))))
  await round(() => Math.random() < 0.5) // every second word is lost
  await round(
    () => true,
    async () => {
      await redis.kill('SIGKILL')
      await redis.start()
    },
  )
  // Old copies come back, again and again, and nothing ends them.
  await round(
    () => true,
    async () => {
      for (let n = 0; n < 20; n++) {
        for (const [index, copy] of copies.entries())
          if (copy) await raw.set(stateKey(ids[index] ?? ''), copy)
        await new Promise(resolve => setTimeout(resolve, roundMs / 20))
      }
    },
  )
  const counted = await readers[1]?.cached()
  console.info(`${reads} reads, at worst ${Math.round(worstMs)} ms behind`, counted)
  expect(worstMs).toBeLessThan(trustMs + slackMs)
  expect(copies.filter(copy => copy !== null).length).toBeGreaterThan(0)
  expect([counted?.['record hit'], counted?.['record away']]).toEqual([
    expect.any(Number),
    expect.any(Number),
  ])
})

/** Somebody reads a table for long while its partitions are kept: records come in all the same. */
import { setTimeout as delay } from 'node:timers/promises'
import { atLeast, atMost, told } from './figures.ts'
import { longestStall, watchProgress } from './progress.ts'
import type { Suite } from './suite.ts'
import { type Scene, underLoad } from './under-load.ts'

const rounds = { smoke: 2, full: 20 } as const
const readsMs = { smoke: 5_000, full: 20_000 } as const
const dayMs = 86_400_000
const retainMs = dayMs

export const lock: Suite = context => {
  const changes = { partitioning: { by: 'Time', interval: 'Day', premake: 3, retainMs } } as const
  return underLoad(context, { stack: { changes }, perSecond: 500 }, async scene => {
    const { world, size } = scene
    const progress = await watchProgress(world)
    const owner = world.database.open('owner')
    await delay(1_000)
    const began = performance.now()
    let dropped = 0
    for (let round = 0; round < rounds[size]; round++) {
      await makeOld(owner, round)
      const reader = world.database.open('reader', { statementTimeoutMs: 0 })
      // In a transaction of its own: what it has read of stays locked to its end.
      const reading = reader.query(
        `SELECT count(*), pg_sleep(${readsMs[size] / 1000}) FROM (SELECT FROM records LIMIT 1) AS few`,
      )
      reading.catch(() => {}) // waited for below
      await delay(300)
      const maintain = await world.start('maintain')
      await Promise.all([reading.finally(() => reader.close()), maintain.exitCode])
      const again = await world.start('maintain') // what it had to leave
      await again.exitCode
      dropped += 1 - (await old(owner))
    }
    await owner.close()
    const stall = longestStall(progress.looks, began)
    await progress.stop()
    return [
      told('rounds', rounds[size]),
      atLeast('old partitions that are gone in the end', dropped, rounds[size]),
      atMost('longest time without progress of a partition, s', stall, 2),
    ]
  })
}

type Owner = ReturnType<Scene['world']['database']['open']>

/** A partition that lies beyond the retention. */
async function makeOld(owner: Owner, round: number): Promise<void> {
  const day = new Date(Math.floor(Date.now() / dayMs - 40 - round) * dayMs)
  const next = new Date(day.getTime() + dayMs)
  const name = `records_p${day.toISOString().slice(0, 10).replaceAll('-', '')}`
  await owner.query(`CREATE TABLE ${name} PARTITION OF records
    FOR VALUES FROM (lowest_id('${day.toISOString()}')) TO (lowest_id('${next.toISOString()}'))`)
}

/** How many of them are left. */
async function old(owner: Owner): Promise<number> {
  const limit = new Date(Date.now() - 30 * dayMs).toISOString().slice(0, 10).replaceAll('-', '')
  const text = `SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^records_p\\d' AND relname < 'records_p${limit}'`
  return Number((await owner.query(text)).rows[0]?.[0])
}

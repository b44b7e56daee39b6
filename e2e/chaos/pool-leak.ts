/** Connections that never open: after hundreds of them the pool has all its places, and the server no forgotten session. */
import { setTimeout as delay } from 'node:timers/promises'
import { openAsSuperuser } from '#e2e/bench/administrator.ts'
import { startPostgres } from '#e2e/engines/postgres.ts'
import { serviceDatabase } from '#e2e/engines/service-database.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { atLeast, atMost, told } from './figures.ts'
import type { Suite } from './suite.ts'
import { openWay } from './way.ts'

const timeouts = { smoke: 100, full: 2_000 } as const
const poolSize = 4
const applicationName = 'leaky'

export const poolLeak: Suite = async ({ resources, size, chance }) => {
  const postgres = await startPostgres()
  resources.defer(() => postgres.remove())
  const service = await serviceDatabase(postgres.address)
  const way = await openWay(resources)
  const address = way.to(postgres.address)
  const database = service.open('reader', { ...address, poolSize, applicationName, connectTimeoutMs: 50 })
  resources.defer(() => database.close())
  let failed = 0
  while (failed < timeouts[size]) {
    // Sometimes the server is reached and its answer is lost on the way, sometimes nothing gets through.
    if (chance.next() < 0.5) way.swallow()
    else way.slow(chance.between(30, 200))
    const asked = await Promise.allSettled(Array.from({ length: poolSize }, () => database.query('SELECT 1')))
    failed += asked.filter(({ status }) => status === 'rejected').length
  }
  way.open()
  const superuser = openAsSuperuser(postgres)
  resources.defer(() => superuser.close())
  const count = async (condition: string): Promise<number> => {
    const text = `SELECT count(*) FROM pg_stat_activity WHERE application_name = '${applicationName}'`
    return Number((await superuser.query(`${text} AND ${condition}`)).rows[0]?.[0])
  }
  await settledIn(10_000, () => database.query('SELECT 1'))
  const sleepers = Array.from({ length: poolSize }, () => database.query('SELECT pg_sleep(1)'))
  await delay(300)
  const atWork = await count("state = 'active'")
  await Promise.all(sleepers)
  return [
    atLeast('connections that did not open', failed, timeouts[size]),
    atLeast('connections that work at a time afterwards', atWork, poolSize),
    told('sessions on the server', await count('true')),
    atMost('sessions that were never asked anything', await count('query_start IS NULL'), 0),
    atMost('places of the pool that are taken while nobody asks', database.busy, 0),
  ]
}

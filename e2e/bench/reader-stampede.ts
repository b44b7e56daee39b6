/** A thousand callers ask for one record at the same time: how many statements reach Postgres. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { credentialFiles } from '#dataservice/contract/names.ts'
import { bearer, innerKey } from '#dataservice/platform/http/inner-key.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { startPostgres } from '#e2e/engines/postgres.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { type Redis, startRedis } from '#e2e/engines/redis.ts'
import { openAsSuperuser } from './administrator.ts'
import type { Size, Tally } from './contest.ts'
import { ready } from './ready.ts'
import { fill, newestIds } from './stored-rows.ts'

const callers = 1_000

/** What gateways and readers share. */
const key = randomBytes(32).toString('hex')
const headers = { authorization: bearer(innerKey(key)) }
/** Long enough for what was sent to be read, well below the reader's limit on waiting for a lock. */
const settleMs = 500

export async function readerStampedeBench(_size: Size, resources: AsyncDisposableStack): Promise<Tally[]> {
  const postgres = await startPostgres({ settings: { shared_preload_libraries: 'pg_stat_statements' } })
  resources.defer(() => postgres.remove())
  const redis = await startRedis()
  resources.defer(() => redis.remove())
  const service = await migratedService(postgres.address)
  await fill(service, callers)
  const readers = await startReaders(service, redis, resources)
  const statistics = openAsSuperuser(postgres)
  resources.defer(() => statistics.close())
  await statistics.query('CREATE EXTENSION pg_stat_statements')
  const [first, second] = await newestIds(service, 2)
  const yesterday = Date.now() - 43_200_000
  const asked = [
    { what: 'present', pods: 1, id: first ?? '', status: 200 },
    { what: 'missing', pods: 1, id: uuid7At(yesterday), status: 404 },
    { what: 'present', pods: 3, id: second ?? '', status: 200 },
    { what: 'missing', pods: 3, id: uuid7At(yesterday), status: 404 },
  ]
  return asked.map(({ what, pods, id, status }) => ({
    name: `reader-stampede-${what}-${pods}`,
    metric: `statements for ${callers} callers at once, ${pods} ${pods === 1 ? 'pod' : 'pods'}`,
    gate: 1,
    peer: 'one for each pod',
    async count() {
      const before = await statements(statistics)
      await stampede(service, readers.slice(0, pods), `/data/${id}`, status)
      const ours = (await statements(statistics)) - before
      if (ours === 0) throw new Error('no statement was counted')
      return { ours, peer: pods }
    },
  }))
}

async function startReaders(
  service: MigratedService,
  { host, port }: Redis,
  resources: AsyncDisposableStack,
): Promise<Pool[]> {
  const credentials = {
    [credentialFiles.postgresPassword]: service.password('reader'),
    [credentialFiles.redisPassword]: '',
    [credentialFiles.cursorKey]: key,
  }
  const settings = { ...service.settings, cache: { host, port, ttlSeconds: 60 } }
  const readers: Pool[] = []
  for (let pod = 0; pod < 3; pod++) {
    const reader = await startRole('reader', settings, { credentials })
    resources.defer(() => reader.remove())
    await ready(reader)
    const pool = new Pool(reader.url, { connections: callers })
    resources.defer(() => pool.destroy())
    readers.push(pool)
  }
  return readers
}

/** Nobody gets an answer before all have asked: until then the table is locked. */
async function stampede(service: MigratedService, readers: readonly Pool[], path: string, status: number) {
  const owner = service.open('owner')
  try {
    const answers = await owner.transaction(async session => {
      await session.query('LOCK TABLE records IN ACCESS EXCLUSIVE MODE')
      const asked = Array.from({ length: callers }, (_, n) => ask(readers[n % readers.length], path))
      while (readers.reduce((sum, { stats }) => sum + stats.running, 0) < callers) await delay(10)
      await delay(settleMs)
      return { asked }
    })
    const statuses = await Promise.all(answers.asked)
    const wrong = statuses.filter(each => each !== status)
    if (wrong.length > 0)
      throw new Error(`${wrong.length} answers were not ${status}, for example ${wrong[0]}`)
  } finally {
    await owner.close()
  }
}

async function ask(reader: Pool | undefined, path: string): Promise<number | undefined> {
  const answer = await reader?.request({ method: 'GET', path, headers })
  await answer?.body.dump()
  return answer?.statusCode
}

/** Statements for one record, of all readers, since the start. */
async function statements(database: Database): Promise<number> {
  const { rows } = await database.query(
    `SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE '%FROM records WHERE id = $1%'`,
  )
  return Number(rows[0]?.[0])
}

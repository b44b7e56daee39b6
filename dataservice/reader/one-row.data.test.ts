/** Whatever becomes of a partition, asking it first answers what asking the whole table answers. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { hashPartitionOf } from '#dataservice/platform/postgres/hash-partition.ts'
import { hashPartitionName, type Partitioning } from '#dataservice/platform/postgres/partitions.ts'
import { lowestUuid7 } from '#dataservice/record/uuid7.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { changing, naturalIds } from '#e2e/engines/service-settings.ts'
import { OneRow } from './one-row.ts'
import { recordStatement, type StatementOfId, versionedStatement } from './query.ts'
import { spotOf } from './spots.ts'
import { openStore } from './store.ts'

/** Postgres plans the first five uses for their values. */
const uses = 8

/** One connection for reading, and how often its plans for all values were used. */
async function opened(service: MigratedService, partitioning: Partitioning = service.settings.partitioning) {
  const [database, owner] = [service.open('reader', { poolSize: 1 }), service.open('owner')]
  onTestFinished(() => Promise.all([database.close(), owner.close()]).then(() => undefined))
  const oneRow = new OneRow(openStore({ reads: database, topic: 'x' }), spotOf(partitioning))
  const find = async (id: string, statement: StatementOfId = recordStatement) => {
    const ask = { deadline: performance.now() + 10_000 }
    return (await oneRow.find({ id, ask, narrowing: {}, statement }))?.includes(id) ?? false
  }
  return {
    owner,
    find,
    async findOften(id: string, statement?: StatementOfId) {
      const found = new Set<boolean>()
      for (let n = 0; n < uses; n++) found.add(await find(id, statement))
      return [...found]
    },
    async keptPlans() {
      const { rows } = await database.query('SELECT sum(generic_plans) FROM pg_prepared_statements')
      return Number(rows[0]?.[0] ?? 0)
    },
    /** Partitions of which a look-up holds a lock. */
    async locked(statement: ReturnType<typeof recordStatement>) {
      const { rows } = await database.transaction(async session => {
        for (let n = 0; n < uses; n++) await session.query(statement)
        return session.query(`SELECT c.relname FROM pg_locks JOIN pg_class c ON c.oid = relation
          WHERE pid = pg_backend_pid() AND c.relkind = 'r' AND c.relispartition`)
      })
      return rows.flat()
    },
  }
}

describe('by time', () => {
  const today = Math.floor(Date.now() / 86_400_000) * 86_400_000
  const id = lowestUuid7(today)
  const insert = (owner: Database, each: string) =>
    owner.query(`INSERT INTO records VALUES ('${each}', 'k', now(), 'v', '{}')`)

  test('a plan is kept, and locks one partition', async () => {
    const service = await migratedService(engines().postgres)
    const { owner, findOften, keptPlans, locked } = await opened(service)
    await insert(owner, id)
    expect(await findOften(id)).toEqual([true])
    expect(await keptPlans()).toBeGreaterThan(0)
    const spot = spotOf(service.settings.partitioning)(id)
    expect(await locked(recordStatement(id, {}, spot))).toHaveLength(1)
  })

  test('partitions come and go', async () => {
    const { owner, find, findOften, keptPlans } = await opened(await migratedService(engines().postgres))
    const early = lowestUuid7(today - 86_400_000)
    expect(await findOften(early)).toEqual([false])
    expect(await keptPlans()).toBeGreaterThan(0)
    await owner.query(`SELECT ensure_partition('${early}')`)
    await insert(owner, early)
    expect(await findOften(early)).toEqual([true])
    const name = `records_p${new Date(today - 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')}`
    await owner.query(`ALTER TABLE records DETACH PARTITION ${name} CONCURRENTLY`)
    expect(await find(early)).toBe(false)
    await owner.query(`DROP TABLE ${name}`)
    expect(await find(early)).toBe(false)
  })
})

describe('by hash', () => {
  const partitions = 4
  const insertInto = {
    Hash: `INSERT INTO records SELECT 'id ' || n, 'k', now(), 'v', '{}', gen_random_uuid(), '' FROM generate_series(1, 50) AS n`,
    Upsert: `INSERT INTO records SELECT 'id ' || n, 'k', now(), 'v', '{}', 1, now(), gen_random_uuid() FROM generate_series(1, 50) AS n`,
  }
  const ids = Array.from({ length: 50 }, (_, n) => `id ${n + 1}`)
  const id = 'id 1'
  const name = hashPartitionName(hashPartitionOf(Buffer.from(id), partitions), partitions)
  const bounds = `FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${name.slice('records_h'.length)})`

  async function filled(partitioning?: Partitioning) {
    const service = await migratedService(engines().postgres, naturalIds)
    const reads = await opened(service, partitioning)
    await reads.owner.query(insertInto.Hash)
    return { ...reads, spot: spotOf(service.settings.partitioning)(id) }
  }

  test('a plan is kept, and locks one partition', async () => {
    const { findOften, keptPlans, locked, spot } = await filled()
    expect(await findOften(id)).toEqual([true])
    expect(await keptPlans()).toBeGreaterThan(0)
    expect(await locked(recordStatement(id, {}, spot))).toEqual([name])
    expect(await findOften('none')).toEqual([false])
  })

  test('a record that changes is found with its version', async () => {
    const { owner, findOften, keptPlans } = await opened(await migratedService(engines().postgres, changing))
    await owner.query(insertInto.Upsert)
    expect(await findOften(id, versionedStatement)).toEqual([true])
    expect(await keptPlans()).toBeGreaterThan(0)
  })

  test.each(['', 'CONCURRENTLY'])('a partition is detached (%s), and attached again', async how => {
    const { owner, find, findOften } = await filled()
    expect(await findOften(id)).toEqual([true])
    await owner.query(`ALTER TABLE records DETACH PARTITION ${name} ${how}`)
    expect(await findOften(id)).toEqual([false])
    await owner.query(`ALTER TABLE records ATTACH PARTITION ${name} ${bounds}`)
    expect(await find(id)).toBe(true)
  })

  test('a partition that is being detached belongs to the table no more', async () => {
    const { owner, find, findOften } = await filled()
    expect(await findOften(id)).toEqual([true])
    const detached = await owner.transaction(async session => {
      await session.query('SELECT count(*) FROM records')
      const detaching = owner.query(`ALTER TABLE records DETACH PARTITION ${name} CONCURRENTLY`)
      await vi.waitFor(async () =>
        expect((await owner.query('SELECT FROM pg_inherits WHERE inhdetachpending')).count).toBe(1),
      )
      expect(await find(id)).toBe(false)
      return { detaching }
    })
    await detached.detaching
    expect(await find(id)).toBe(false)
  })

  test.each([
    ['has another name', `ALTER TABLE ${name} RENAME TO elsewhere`],
    ['may not be read', `REVOKE SELECT ON ${name} FROM reader`],
  ])('a partition that %s is asked through its table', async (_, change) => {
    const service = await migratedService(engines().postgres, naturalIds)
    const { owner, findOften } = await opened(service)
    await owner.query(insertInto.Hash)
    expect(await findOften(id)).toEqual([true])
    await owner.query(change.replace('FROM reader', `FROM ${service.store.users.reader}`))
    expect(await findOften(id)).toEqual([true])
  })

  test('the table is cut into another number of partitions', async () => {
    const { find } = await filled({ by: 'Hash', partitions: 3 })
    for (const each of ids) expect(await find(each)).toBe(true)
    expect(await find('none')).toBe(false)
  })
})

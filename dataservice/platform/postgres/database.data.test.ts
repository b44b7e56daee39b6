import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { startPostgres } from '#e2e/engines/postgres.ts'
import { type ServiceDatabase, serviceDatabase } from '#e2e/engines/service-database.ts'
import type { Database, DatabaseOptions } from './database.ts'
import { DatabaseFailure } from './failure.ts'
import { untilReachable } from './reachable.ts'
import { startPostgresProxy } from './testing/proxy.ts'

let service: ServiceDatabase
beforeAll(async () => {
  service = await serviceDatabase(engines().postgres)
  const owner = service.open('owner')
  await owner.query('CREATE SCHEMA dataservice')
  await owner.query('CREATE TABLE seen (n integer PRIMARY KEY)')
  await owner.close()
})

function open(changes: Partial<DatabaseOptions> = {}): Database {
  const database = service.open('owner', { statementTimeoutMs: 1_000, ...changes })
  onTestFinished(() => database.close())
  return database
}

async function proxied(changes: Partial<DatabaseOptions> = {}) {
  const proxy = await startPostgresProxy(engines().postgres)
  onTestFinished(() => proxy.close())
  return { proxy, database: open({ port: proxy.port, ...changes }) }
}

test('answers the text that Postgres prints', async () => {
  const { rows } = await open().query(`SELECT 1e2::numeric, 'x', NULL, true, '{"a": 1}'::json`)
  expect(rows).toEqual([['100', 'x', null, 't', '{"a": 1}']])
})

test('a connection keeps so many named statements, and answers the others, too', async () => {
  const database = open({ poolSize: 1 })
  for (let n = 0; n < 520; n++)
    expect((await database.query({ name: `n${n}`, text: 'SELECT $1::int', values: [n] })).rows).toEqual([
      [`${n}`],
    ])
  const { rows } = await database.query('SELECT count(*) FROM pg_prepared_statements')
  expect(rows).toEqual([['500']])
  expect((await database.query({ name: 'n1', text: 'SELECT $1::int', values: [1] })).rows).toEqual([['1']])
})

test('never opens more connections than it may, and refuses callers beyond the queue', async () => {
  const database = open({ poolSize: 2, maxWaiting: 3, waitMs: 200 })
  const slow = () => database.query('SELECT pg_sleep(0.5)')
  const all = await Promise.allSettled([slow(), slow(), slow(), slow(), slow(), slow()])
  const reasons = all.map(result => (result.status === 'rejected' ? result.reason.message : 'answered'))
  expect(reasons).toEqual([
    'answered',
    'answered',
    ...Array(3).fill('no free connection within 200 ms'),
    'too many callers wait for a connection',
  ])
  expect([database.busy, database.waiting]).toEqual([0, 0])
})

test('a transaction that fails leaves nothing and gives its connection back', async () => {
  const database = open({ poolSize: 1 })
  const failing = database.transaction(async session => {
    await session.query('INSERT INTO seen VALUES (1)')
    await session.query('INSERT INTO seen VALUES (1)')
  })
  await expect(failing).rejects.toMatchObject({ kind: 'duplicate', sqlState: '23505' })
  expect((await database.query('SELECT count(*) FROM seen WHERE n = 1')).rows).toEqual([['0']])
})

test('a transaction that the server had given up is never taken for committed', async () => {
  const swallowed = open().transaction(async session => {
    await session.query('SELECT 1/0').catch(() => undefined)
  })
  await expect(swallowed).rejects.toThrow('the transaction had failed before COMMIT')
})

test('a statement that takes too long is cut off by the server, the connection stays', async () => {
  const database = open({ poolSize: 1, statementTimeoutMs: 1_000 })
  await expect(database.query('SELECT pg_sleep(5)')).rejects.toMatchObject({ sqlState: '57014' })
  expect((await database.query('SELECT 1')).rows).toEqual([['1']])
})

test('a lock that does not come is given up', async () => {
  const database = open({ lockTimeoutMs: 100 })
  await database.transaction(async session => {
    await session.query('LOCK TABLE seen')
    const waiting = database.query('SELECT * FROM seen')
    await expect(waiting).rejects.toMatchObject({ kind: 'retriable', sqlState: '55P03' })
  })
})

test('a dead network ends a statement as lost, and the place in the pool is free again', async () => {
  const { proxy, database } = await proxied({ poolSize: 1, statementTimeoutMs: 1_000, networkGraceMs: 1_000 })
  await database.query('SELECT 1')
  proxy.failAt('SELECT 2', 'freeze')
  await expect(database.query('SELECT 2')).rejects.toMatchObject({ kind: 'lost' })
  expect((await database.query('SELECT 3')).rows).toEqual([['3']])
})

test('a connection that never opens is given up and its place is free again', async () => {
  const { proxy, database } = await proxied({ poolSize: 1, connectTimeoutMs: 2_000 })
  proxy.failAt('user', 'freeze') // the start-up packet
  await expect(database.query('SELECT 1')).rejects.toMatchObject({ kind: 'lost' })
  expect(database.busy).toBe(0)
  expect((await database.query('SELECT 1')).rows).toEqual([['1']])
})

test('a wrong password is an error like any other and leaves no connection behind', async () => {
  const database = open({ password: () => 'wrong' })
  await expect(database.query('SELECT 1')).rejects.toMatchObject({ sqlState: '28P01' })
  expect(database.busy).toBe(0)
})

test('a COMMIT whose answer is lost had happened', async () => {
  const { proxy, database } = await proxied()
  proxy.failAt('COMMIT', 'cut-after')
  const unknown = database.transaction(session => session.query('INSERT INTO seen VALUES (2)'))
  await expect(unknown).rejects.toMatchObject({ kind: 'lost' })
  expect((await database.query('SELECT n FROM seen WHERE n = 2')).rows).toEqual([['2']])
})

test('a server that was killed is found again by itself', async () => {
  const own = await startPostgres()
  onTestFinished(() => own.remove())
  const { host, port, user, password, database: name } = own.address
  const database = open({ host, port, user, password: () => password, database: name, schema: 'public' })
  await database.query('SELECT 1')
  await own.kill('SIGKILL')
  // A session outlives its server for a moment.
  const ended = database.query('SELECT pg_sleep(20)')
  await expect(ended).rejects.toMatchObject({ kind: 'lost' })
  await own.start()
  expect((await database.query('SELECT 1')).rows).toEqual([['1']])
})

test('a job waits for a server that is only just starting, but not for ever', async () => {
  const own = await startPostgres()
  onTestFinished(() => own.remove())
  const { host, port, user, password, database: name } = own.address
  const database = open({ host, port, user, password: () => password, database: name, schema: 'public' })
  const { signal } = new AbortController()
  await own.kill('SIGKILL')
  await expect(untilReachable(database, { signal, limitMs: 50, pollMs: 10 })).rejects.toMatchObject({
    kind: 'lost',
  })
  const reached = untilReachable(database, { signal, pollMs: 10 })
  await own.start()
  await reached
})

test('a connection to a server that takes no writes any more is replaced: the name may lead elsewhere now', async () => {
  const database = open({ poolSize: 1 })
  await database.query('SET default_transaction_read_only = on')
  expect((await database.query('SELECT 1')).rows).toEqual([['1']])
  const refused = database.transaction(session => session.query('INSERT INTO seen VALUES (6)'))
  await expect(refused).rejects.toMatchObject({ kind: 'lost', sqlState: '25006' })
  expect((await database.query('INSERT INTO seen VALUES (6)')).count).toBe(1)
})

test('a connection that its user finds lost is replaced, in a transaction or not', async () => {
  const database = open({ poolSize: 1 })
  const process = async () => (await database.query('SELECT pg_backend_pid()')).rows[0]?.[0]
  for (const kind of ['use', 'transaction'] as const) {
    const before = await process()
    const found = database[kind](async () => {
      throw new DatabaseFailure('not the server that was meant', 'lost')
    })
    await expect(found).rejects.toThrow('not the server that was meant')
    expect(await process()).not.toBe(before)
  }
})

test('COPY refused in the middle of much input leaves the connection usable', async () => {
  const database = open({ poolSize: 1 })
  const input = Buffer.from(`${'3\n'.repeat(500_000)}`)
  const copy = database.use(session => session.copyIn('COPY seen FROM STDIN', input))
  await expect(copy).rejects.toMatchObject({ kind: 'duplicate', where: 'COPY seen, line 2' })
  const copied = await database.use(session => session.copyIn('COPY seen FROM STDIN', Buffer.from('4\n5\n')))
  expect(copied).toBe(2)
})

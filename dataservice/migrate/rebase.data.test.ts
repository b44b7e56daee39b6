/** What the migration after a restore does with the positions of the writers, in a real database. */
import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { type LogVerdict, restoredFacts } from '#dataservice/contract/restored.ts'
import { engines } from '#e2e/engines/inject.ts'
import { serviceDatabase } from '#e2e/engines/service-database.ts'
import { acceptedRecord, testSettings } from '#e2e/engines/service-settings.ts'
import { fitToLog, migrate } from './migrate.ts'
import { type RebaseLog, rebase } from './rebase.ts'

/** A new log with nothing in it. */
const events: RebaseLog = {
  clusterId: async () => 'new',
  range: async () => ({ start: 0n, end: 0n }),
  recordAt: async () => undefined,
}

/** A database of its own; `run` migrates, and answers how the tables fit the log then. */
async function emptyService() {
  const service = await serviceDatabase(engines().postgres)
  const database = service.open('owner')
  onTestFinished(() => database.close())
  const settings = testSettings(service.store)
  const { signal } = new AbortController()
  const run = async (beginnings?: number): Promise<LogVerdict | undefined> => {
    const told = { ...settings, ...(beginnings !== undefined && { beginnings }) }
    const options = { database, settings: told, record: acceptedRecord(), signal }
    await migrate({ ...options, log: pino({ level: 'silent' }) })
    return fitToLog(options, events)
  }
  return { database, topic: settings.log.eventsTopic, run }
}

test('where a log took the place of one that is gone the positions move to its start, once for each time', async () => {
  const { database, topic, run } = await emptyService()
  const read = async (nextOffset: number) => {
    await database.query('DELETE FROM ingest_offsets')
    await database.query({
      text: `INSERT INTO ingest_offsets VALUES ($1, 0, 'new', $2, 'a', 3, 'w')`,
      values: [topic, nextOffset],
    })
  }
  const next = async () =>
    (await database.query('SELECT next_offset FROM ingest_offsets WHERE partition = 0')).rows

  await run()
  await read(5)
  expect(await run()).toBeUndefined()
  expect(await next()).toEqual([['5']])
  expect(await run(1)).toEqual({ moved: 1, lost: 0 })
  expect(await next()).toEqual([['0']])
  await read(7) // by somebody who does not know better: it is decided once
  await run(1)
  expect(await next()).toEqual([['7']])
  await run(2)
  expect(await next()).toEqual([['0']])
})

test('positions of another log move to its start, once; what was lost is counted and told again', async () => {
  const { database, topic, run } = await emptyService()
  expect(await run()).toBeUndefined()
  await database.query({
    text: `INSERT INTO ingest_offsets VALUES ($1, 0, 'old', 5, 'a', 3, 'w'), ($1, 1, 'old', 7, 'b', 3, 'w')`,
    values: [topic],
  })
  await database.query({
    text: `INSERT INTO outcomes (topic, partition, log_offset, record_id, record_key, outcome) VALUES ($1, 0, 2, 'r', 'k', 'refused')`,
    values: [topic],
  })
  const position = (partition: number, nextOffset: string) => ({
    ...{ topic, partition, clusterId: 'old', nextOffset },
    lastId: null,
  })
  const reached = {
    at: '2026-01-01T00:00:00Z',
    positions: [position(0, '9'), position(1, '7'), position(2, '3')],
  }
  await database.query({
    text: 'INSERT INTO service_facts VALUES ($1, $2)',
    values: [restoredFacts.reached, JSON.stringify(reached)],
  })
  const verdict = { moved: 3, lost: 7, countedUntil: '2026-01-01T00:00:00Z' }
  expect(await run()).toEqual(verdict)
  const { rows } = await database.query(
    'SELECT partition, cluster_id, next_offset, last_id, epoch FROM ingest_offsets ORDER BY 1',
  )
  expect(rows).toEqual([
    ['0', 'new', '0', null, '4'],
    ['1', 'new', '0', null, '4'],
    ['2', 'new', '0', null, '1'],
  ])
  expect((await database.query('SELECT count(*) FROM outcomes')).rows).toEqual([['0']])
  expect(await run()).toEqual(verdict)
})

test('a log that answers slowly about many partitions does not end the transaction that waits for it', async () => {
  const { database, topic, run } = await emptyService()
  await run()
  await database.query({
    text: 'INSERT INTO service_facts VALUES ($1, $2)',
    values: [restoredFacts.reached, 'null'],
  })
  const slow = { ...events, range: () => pause(300, { start: 0n, end: 0n }) }
  const verdict = await database.transaction(async session => {
    await session.query("SET LOCAL idle_in_transaction_session_timeout = '100ms'")
    return rebase(session, { topic, log: slow, partitions: 3 })
  })
  expect(verdict).toEqual({ moved: 0, lost: 0 })
})

/** What the migration after a restore does with the positions of the writers, in a real database. */
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { restoredFacts } from '#dataservice/contract/restored.ts'
import { engines } from '#e2e/engines/inject.ts'
import { serviceDatabase } from '#e2e/engines/service-database.ts'
import { acceptedRecord, testSettings } from '#e2e/engines/service-settings.ts'
import { migrate } from './migrate.ts'
import type { RebaseLog } from './rebase.ts'

/** A new log with nothing in it. */
const events: RebaseLog = {
  clusterId: async () => 'new',
  range: async () => ({ start: 0n, end: 0n }),
  recordAt: async () => undefined,
}

test('positions of another log move to its start, once; what was lost is counted and told again', async () => {
  const service = await serviceDatabase(engines().postgres)
  const database = service.open('owner')
  onTestFinished(() => database.close())
  const settings = testSettings(service.store)
  const topic = settings.log.eventsTopic
  const run = () =>
    migrate({
      ...{ database, settings, record: acceptedRecord(), events },
      log: pino({ level: 'silent' }),
      signal: new AbortController().signal,
    })
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
  ])
  expect((await database.query('SELECT count(*) FROM outcomes')).rows).toEqual([['0']])
  expect(await run()).toEqual(verdict)
})

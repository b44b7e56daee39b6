import { expect, onTestFinished, test } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { serviceDatabase } from '#e2e/engines/service-database.ts'
import type { DatabaseFailure } from './failure.ts'
import { readsWithFallback } from './reads.ts'
import { startPostgresProxy } from './testing/proxy.ts'

/** Says who was asked: the name that the connection was opened with. */
const whoAnswers = "SELECT current_setting('application_name')"

/** A statement that the replica alone ends with this SQLSTATE. */
const failingAtReplica = (sqlState: string): string =>
  `DO $$ BEGIN IF current_setting('application_name') = 'replica' THEN RAISE SQLSTATE '${sqlState}'; END IF; END $$`

/** One server by two ways; the way to the replica can be closed. */
async function world() {
  const server = await serviceDatabase(engines().postgres)
  const { host, port } = engines().postgres
  const way = await startPostgresProxy({ host, port })
  onTestFinished(() => way.close())
  const replica = server.open('reader', { host: way.host, port: way.port, applicationName: 'replica' })
  const primary = server.open('reader', { applicationName: 'primary' })
  onTestFinished(() => replica.close())
  onTestFinished(() => primary.close())
  const clock = { now: 0 }
  const away: DatabaseFailure[] = []
  const reads = readsWithFallback(replica, primary, {
    restMs: 100,
    now: () => clock.now,
    onAway: failure => away.push(failure),
  })
  const ask = async () => (await reads.query(whoAnswers)).rows[0]?.[0]
  return { way, clock, away, reads, ask }
}

test('the replica answers while it can', async () => {
  const { ask, away } = await world()
  expect([await ask(), await ask()]).toEqual(['replica', 'replica'])
  expect(away).toEqual([])
})

test('a question whose answer the replica did not give goes to the primary, and the replica is asked again after a rest', async () => {
  const { ask, way, away, clock } = await world()
  way.failAt('application_name', 'cut-after')
  expect([await ask(), await ask()]).toEqual(['primary', 'primary'])
  expect(away).toHaveLength(1)
  clock.now = 100
  expect(await ask()).toBe('replica')
})

test('the primary answers for as long as the replica is gone', async () => {
  const { ask, way, away, clock } = await world()
  expect(await ask()).toBe('replica')
  await way.close()
  for (clock.now = 0; clock.now < 300; clock.now += 50) expect(await ask()).toBe('primary')
  expect(away).toHaveLength(3) // asked once after each rest
})

test('a statement that recovery ended goes to the primary, and the replica stays in use', async () => {
  const { ask, reads, away } = await world()
  await reads.query(failingAtReplica('40001'))
  expect(await ask()).toBe('replica')
  expect(away).toEqual([])
})

test('a statement that was too slow is not tried twice', async () => {
  const { reads } = await world()
  await expect(reads.query(failingAtReplica('57014'))).rejects.toMatchObject({ sqlState: '57014' })
})

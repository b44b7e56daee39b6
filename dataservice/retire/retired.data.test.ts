import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '#dataservice/platform/postgres/database.ts'
import { engines } from '#e2e/engines/inject.ts'
import { serviceDatabase } from '#e2e/engines/service-database.ts'
import { untilRetired } from './retired.ts'

test('ends when none of the users may log in and none of them is left', async () => {
  const server = engines().postgres
  const service = await serviceDatabase(server)
  const { writer } = service.store.users
  const [owner, session] = [service.open('owner'), service.open('writer', { poolSize: 1 })]
  const { password } = server
  const administrator = openDatabase({
    ...server,
    schema: 'public',
    applicationName: 'test',
    password: () => password,
    poolSize: 1,
  })
  onTestFinished(async () => {
    for (const each of [owner, session, administrator]) await each.close()
  })
  await session.query('SELECT 1')

  let isOver = false
  const retired = untilRetired(owner, [writer], { signal: AbortSignal.timeout(60_000), pollMs: 20 }).then(
    () => {
      isOver = true
    },
  )
  await delay(200)
  expect(isOver).toBe(false)
  await administrator.query(`ALTER ROLE ${writer} NOLOGIN`)
  await delay(200)
  expect(isOver).toBe(false)
  await administrator.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${writer}'`,
  )
  await retired
})

import { expect, onTestFinished, test } from 'vitest'
import { aloneMark } from '#dataservice/contract/postgres-bootstrap.ts'
import { openDatabase } from '#dataservice/platform/postgres/database.ts'
import { passwordCounts } from '#dataservice/platform/redis/passwords.ts'
import { engines } from '#e2e/engines/inject.ts'
import { startRedis } from '#e2e/engines/redis.ts'
import { serviceDatabase } from '#e2e/engines/service-database.ts'
import { isRetired } from './retired.ts'

test('users are retired when none of them may log in, none is left, and replicas come in by the new password', async () => {
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
  const role = writer.replace('writer', 'replication')
  const replication = { role, mark: aloneMark(2) }
  const retired = () => isRetired(owner, { retired: [writer], replication })
  expect(await retired()).toBe(false)
  await administrator.query(`ALTER ROLE ${writer} NOLOGIN`)
  expect(await retired()).toBe(false)
  const end = `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '${writer}'`
  await administrator.query(end)
  expect(await retired()).toBe(false)
  await administrator.query(`COMMENT ON ROLE ${role} IS 'passwords 2'`)
  expect(await retired()).toBe(true)
})

test('a Redis tells how many passwords open it', async () => {
  const redis = await startRedis({ users: ['default on ~* &* +@all >one >two'] })
  onTestFinished(() => redis.remove())
  const { host, port } = redis
  const counts = (password: string) => passwordCounts({ host, port, password })
  expect(await counts('two')).toEqual([2])
  await expect(counts('three')).rejects.toThrow()
})

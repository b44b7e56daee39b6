/** Other passwords for a Postgres that runs, with the scripts of its pods and a replica. */
import { expect, onTestFinished, test } from 'vitest'
import { credentialKeys, database, loginOf } from '#dataservice/contract/names.ts'
import { turnedKeys } from '../secrets.ts'
import { type Login, type Pod, podsOf, soon } from './testing/postgres-pods.ts'

const { writer } = database.users
const first: Login = { user: writer, password: `of-${credentialKeys.writer}` }
const second: Login = { user: loginOf(writer, 2), password: 'second-writer' }
const third: Login = { user: writer, password: 'third-writer' }

const letsIn = async (pod: Pod, login: Login): Promise<string> =>
  pod.sqlAs(login, 'SELECT 1').then(
    () => 'in',
    (error: unknown) =>
      /not permitted to log in|authentication failed/.test(String(error)) ? 'out' : String(error),
  )

async function isOpen(client: Awaited<ReturnType<Pod['open']>>): Promise<boolean> {
  return client.query('SELECT 1').then(
    () => true,
    () => false,
  )
}

async function running(): Promise<{ primary: Pod; replica: Pod }> {
  const [primary, replica] = await podsOf(2)
  if (primary === undefined || replica === undefined) throw new Error('two pods expected')
  await Promise.all([primary.start(), replica.start()])
  await expect.poll(() => primary.sql('SELECT 1').then(() => true, String), soon).toBe(true)
  await primary.sql('CREATE SCHEMA dataservice CREATE TABLE kept (value int)')
  await primary.sql(`GRANT USAGE ON SCHEMA dataservice TO ${writer}`)
  await primary.sql(`GRANT SELECT, INSERT ON kept TO ${writer}`)
  await expect.poll(() => replica.sql('SELECT count(*) FROM kept').catch(String), soon).toEqual([['0']])
  return { primary, replica }
}

test('old and new users write side by side, then the old ones open nothing, on the replica either', async () => {
  const { primary, replica } = await running()
  expect([await letsIn(primary, first), await letsIn(primary, second)]).toEqual(['in', 'out'])
  const old = await primary.open(first)
  const oldOnReplica = await replica.open(first)
  onTestFinished(() => void Promise.all([old.end(), oldOnReplica.end()]).catch(() => {}))

  await primary.tellLogins(2, 2)
  for (const pod of [primary, replica]) await pod.mountPasswords(2, { turn: 2, prefix: 'second' })
  await expect.poll(() => letsIn(primary, second), soon).toBe('in')
  await old.query('INSERT INTO kept VALUES (1)')
  await primary.sqlAs(second, 'INSERT INTO kept VALUES (2)')
  expect(await primary.sqlAs(second, 'SELECT current_user, session_user')).toEqual([[writer, second.user]])
  await primary.sqlAs(
    { user: loginOf(database.users.owner, 2), password: 'second-owner' },
    'CREATE TABLE made ()',
  )
  expect(await primary.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'made'")).toEqual([
    [database.users.owner],
  ])

  for (const pod of [primary, replica]) await pod.tellLogins(1, 'closed')
  await expect.poll(() => letsIn(primary, first), soon).toBe('out')
  await expect.poll(() => isOpen(old), soon).toBe(false)
  await expect.poll(() => isOpen(oldOnReplica), soon).toBe(false)
  expect(await letsIn(replica, first)).toBe('out')
  expect(await primary.sqlAs(second, 'SELECT array_agg(value ORDER BY value) FROM kept')).toEqual([[[1, 2]]])
  expect(await replica.sqlAs(second, 'SELECT array_agg(value ORDER BY value) FROM kept')).toEqual([[[1, 2]]])
  const logs = (await primary.log()) + (await replica.log())
  for (const key of Object.keys(turnedKeys)) expect(logs).not.toContain(`second-${key}`)
})

const replicationOf = (password: string): Login => ({ user: database.replication, password })

test('a replica goes on with the other password, and who came by the old one is gone', async () => {
  const { primary, replica } = await running()
  const [old, fresh] = [
    replicationOf(`of-${credentialKeys.replication}`),
    replicationOf('second-replication'),
  ]
  const thief = await primary.openLog(old)
  onTestFinished(() => void thief.end().catch(() => {}))
  for (const pod of [primary, replica]) {
    await pod.mountPasswords(2, { turn: 2, prefix: 'second' })
    await pod.tellLogins(2, 2)
  }
  const entersAs = (login: Login) =>
    primary.openLog(login).then(
      client => client.end().then(() => true),
      () => false,
    )
  await expect.poll(() => entersAs(fresh), soon).toBe(true)
  expect(await entersAs(old)).toBe(false)
  for (const pod of [primary, replica]) await pod.tellLogins(1, 'closed')
  await expect
    .poll(
      () =>
        thief.query('SELECT 1').then(
          () => 'open',
          () => 'ended',
        ),
      soon,
    )
    .toBe('ended')
  await primary.sqlAs(
    { user: loginOf(database.users.owner, 2), password: 'second-owner' },
    'INSERT INTO kept VALUES (7)',
  )
  await expect.poll(() => replica.sqlAs(second, 'SELECT value FROM kept').catch(String), soon).toEqual([[7]])
  expect(await replica.probe()).toBe(0)
  expect(
    await primary.sqlAs(second, `SELECT shobj_description('${database.replication}'::regrole, 'pg_authid')`),
  ).toEqual([['passwords 2']])
})

test('the third turn has the first names with other passwords; those of another turn are not taken for them', async () => {
  const { primary } = await running()
  await primary.mountPasswords(2, { turn: 2, prefix: 'second' })
  await primary.tellLogins(2, 2)
  await primary.tellLogins(1, 'closed')
  await expect.poll(() => letsIn(primary, first), soon).toBe('out')
  await primary.mountPasswords(1, { turn: 1_001, prefix: 'stale' })
  await primary.tellLogins(1, 3)
  await expect.poll(() => letsIn(primary, second), soon).toBe('in')
  await primary.mountPasswords(1, { turn: 3, prefix: 'third' })
  await expect.poll(() => letsIn(primary, third), soon).toBe('in')
  expect(await letsIn(primary, { ...third, password: 'stale-writer' })).toBe('out')
  expect(await letsIn(primary, first)).toBe('out')
})

test('a start brings older users to what is told, before anybody is let in', async () => {
  const { primary } = await running()
  await primary.kill('SIGINT')
  await primary.mountPasswords(2, { turn: 2, prefix: 'second' })
  await primary.tellLogins(2, 2)
  await primary.tellLogins(1, 'closed')
  await primary.start()
  await expect.poll(() => letsIn(primary, second), soon).toBe('in')
  expect(await letsIn(primary, first)).toBe('out')
})

test('a replica that becomes the primary lets in whom it is told, which it could not before', async () => {
  const { primary: old, replica: chosen } = await running()
  await chosen.mountPasswords(2, { turn: 2, prefix: 'second' })
  await chosen.tellLogins(2, 2)
  const primary = { ordinal: 1, port: chosen.port }
  await chosen.tell(primary)
  await old.tell(primary)
  await expect.poll(() => letsIn(chosen, second), soon).toBe('in')
  await chosen.sqlAs(second, 'INSERT INTO kept VALUES (1)')
})

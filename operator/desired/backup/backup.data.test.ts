/** The scripts of backups on a real Postgres that talks TLS alone. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { refusedExitCode } from '#dataservice/contract/mirror.ts'
import { database, loginOf } from '#dataservice/contract/names.ts'
import { restoredFacts } from '#dataservice/contract/restored.ts'
import { loginsFile } from '../engines/engine.ts'
import { dataPath } from '../engines/postgres-scripts.ts'
import { turnedKeys, turnKey } from '../secrets.ts'
import {
  type ArchivedPostgres,
  archivedPostgres,
  giveTo,
  type RestoreWish,
  soon,
} from './testing/archived-postgres.ts'

let postgres: ArchivedPostgres
let data = ''
const said = (): Promise<string> => postgres.said()
const values = (): Promise<unknown> => postgres.values()
const restore = (wish: RestoreWish): Promise<number> => postgres.restore(wish)
const { start, stop } = { start: () => postgres.start(), stop: () => postgres.stop() }
const sql: ArchivedPostgres['sql'] = (...question) => postgres.sql(...question)

beforeAll(async () => {
  postgres = await archivedPostgres()
  data = postgres.data
}, 120_000)

afterAll(() => postgres.remove())

const moments: string[] = []
let first = ''

test('archiving begins with a whole copy that is proved by restoring it', async () => {
  await postgres.begin()
  const { authority } = postgres.certificates
  await expect(sql('SELECT 1', { ca: authority.certificate })).rejects.toThrow('valid client certificate')
  const made: { name: string; bytes: number } = JSON.parse(await said())
  expect(await readdir(join(data, 'backup', 'base'))).toEqual([made.name])
  expect(made.bytes).toBeGreaterThan(1_000_000)
  first = made.name
})

test('what was written up to the loss of the volume comes back', async () => {
  for (const value of [2, 3, 4]) {
    await sql(`INSERT INTO kept VALUES (${value})`)
    moments.push(await postgres.now())
  }
  await stop()
  await rm(join(data, 'pgdata'), { recursive: true })
  expect(await restore({}), await said()).toBe(0)
  expect(JSON.parse(await said())).toMatchObject({ backup: first })
  await start()
  expect(await values()).toEqual([1, 2, 3, 4])
})

test('a moment comes back, and what was there before stays aside', async () => {
  await sql('INSERT INTO kept VALUES (5)')
  await stop()
  expect(await restore({ time: new Date(moments[0] ?? '').toISOString() }), await said()).toBe(0)
  expect(await readdir(data)).toContain('before-restore')
  await start()
  expect(await values()).toEqual([1, 2])
})

test('a later moment of what was written before that restore comes back, too; once', async () => {
  await sql('INSERT INTO kept VALUES (6)')
  await stop()
  expect(await restore({ time: moments[1] ?? '', operation: 'again' }), await said()).toBe(0)
  const told = await said()
  await start()
  expect(await values()).toEqual([1, 2, 3])
  await sql('INSERT INTO kept VALUES (7)')
  await stop()
  expect(await restore({ operation: 'again' })).toBe(0)
  expect(await said()).toBe(told)
  await start()
  expect(await values()).toEqual([1, 2, 3, 7])
})

test('a copy by its name comes back; what is no copy and what is too early is refused and changes nothing', async () => {
  await stop()
  expect(await restore({ backup: '20200101T000000Z' })).toBe(refusedExitCode)
  expect(await said()).toContain(`there are: `)
  expect(await restore({ time: '2020-01-01T00:00:00Z' })).toBe(refusedExitCode)
  expect(await said()).toContain(`is before the oldest backup, ${first}`)
  await start()
  expect(await values()).toEqual([1, 2, 3, 7])
  await stop()
  expect(await restore({ backup: first }), await said()).toBe(0)
  await start()
  expect(await values()).toEqual([1])
})

test('what a restore left that was given up takes no room: neither from the next one nor from Postgres', async () => {
  const left = join(data, 'restoring')
  const about = join(data, 'backup/base', first, 'about')
  const told = await readFile(about, 'utf8')
  await stop()
  await mkdir(left)
  await giveTo(left)
  await writeFile(about, told.replace(/\d+\n$/, '1000000000000000\n'))
  expect(await restore({ backup: first })).toBe(refusedExitCode)
  expect(await said()).toContain('raise postgres.managed.storage.size')
  expect(await readdir(data)).not.toContain('restoring')

  await writeFile(about, told)
  await mkdir(left)
  await giveTo(left)
  await start()
  expect(await readdir(data)).not.toContain('restoring')
})

/** What of the log is archived, below `wal`. */
const segments = async () =>
  (await readdir(join(data, 'backup/wal'), { recursive: true })).filter(path => /[0-9A-F]{24}$/.test(path))
/** Of the folder that grows, in their order. */
async function growing(): Promise<string[]> {
  const folder = (await readFile(join(data, 'backup/receiving'), 'utf8')).trim()
  return (await segments()).filter(path => path.startsWith(`${folder}/`)).sort()
}
/** Several segments of the log. */
const fill = () =>
  sql('CREATE TABLE filler AS SELECT repeat(md5(n::text), 30) FROM generate_series(1, 60000) AS n')

test('an old copy of another system says nothing about what of this one is old', async () => {
  const volume = join(data, 'backup')
  const other = { copy: join(volume, 'base/20200101T000000Z'), system: join(volume, 'wal/1') }
  await mkdir(other.copy)
  await writeFile(join(other.copy, 'about'), '1 1 0000000100000000000000F0 5 5\n')
  await mkdir(join(other.system, '1.1577836800'), { recursive: true })
  await giveTo(volume)
  const before = await segments()
  expect(before.length).toBeGreaterThan(0)
  expect(await postgres.job('backup.sh'), await said()).toBe(0)
  expect(await segments()).toEqual(expect.arrayContaining(before))
  for (const folder of Object.values(other)) await rm(folder, { recursive: true })
})

test('what is written after a restore stays, although older copies are of later places in the log', async () => {
  await fill()
  expect(await postgres.job('backup.sh'), await said()).toBe(0)
  const later: { name: string } = JSON.parse(await said())
  await stop()
  expect(await restore({ backup: first }), await said()).toBe(0)
  await start()
  await sql('INSERT INTO kept VALUES (8)')
  expect(await postgres.job('backup.sh'), await said()).toBe(0)
  const before = await growing()
  expect(before.length).toBeGreaterThan(0)

  const base = join(data, 'backup/base')
  const old = (await readdir(base)).filter(name => name < later.name)
  for (const name of old) await rename(join(base, name), join(data, name))
  expect(await postgres.job('backup.sh'), await said()).toBe(0)
  expect(await growing()).toEqual(expect.arrayContaining(before))
  for (const name of old) await rename(join(data, name), join(base, name))
})

test('where a part of the log is lost a restore says so, and does not take what comes before it for all', async () => {
  await fill()
  await sql('INSERT INTO kept VALUES (9)')
  await stop()
  const lost = join(data, 'backup/wal', (await growing()).at(-1) ?? '')
  await rename(lost, join(data, 'lost'))
  for (const wish of [{}, { time: new Date().toISOString() }]) {
    expect(await restore(wish)).toBe(refusedExitCode)
    expect(await said()).toContain('the archive lacks what was written after')
  }
  await rename(join(data, 'lost'), lost)
  expect(await restore({}), await said()).toBe(0)
  await start()
  expect(await values()).toEqual([1, 8, 9])
})

test('what producers wrote into the place that the writers reached stays a value in a restore', async () => {
  const schema = database.schema
  const executed = `COPY (SELECT 1) TO PROGRAM 'touch ${dataPath}/executed'`
  const id = `$json$); END IF; END $do$; ${executed}; DO $do$ BEGIN IF true THEN INSERT INTO t VALUES ($json$`
  await sql(`CREATE TABLE ${schema}.service_facts (name text PRIMARY KEY, value text);
    CREATE TABLE ${schema}.ingest_offsets AS SELECT 'orders' AS topic, partition, 'k' AS cluster_id, 7 AS next_offset,
      CASE partition WHEN 0 THEN '${id.replaceAll("'", "''")}' ELSE repeat('long', 100000) END AS last_id
    FROM generate_series(0, 1) AS partition;
    GRANT USAGE ON SCHEMA ${schema} TO ${database.users.reader};
    GRANT SELECT ON ${schema}.ingest_offsets TO ${database.users.reader}`)
  const noted = () => readFile(join(data, 'backup/reached'), 'utf8').catch(String)
  await expect.poll(noted, soon).toContain('executed')
  await stop()
  expect(await restore({}), await said()).toBe(0)
  expect(await readdir(data)).not.toContain('executed')
  await start()
  const positions = "json_array_elements(value::json->'positions')"
  expect(
    await sql(`SELECT position->>'lastId' FROM ${schema}.service_facts, ${positions} AS position
      WHERE name = '${restoredFacts.reached}' ORDER BY position->>'partition'`),
  ).toEqual([[id], ['long'.repeat(100_000)]])
})

test('an older copy knows the passwords of its time, and the database that comes of it takes only those of now', async () => {
  await stop()
  const passwords = join(data, 'passwords/2')
  await mkdir(passwords, { recursive: true })
  for (const key of Object.values(turnedKeys)) await writeFile(join(passwords, key), `second-${key}`)
  await writeFile(join(passwords, turnKey), '2')
  await writeFile(join(data, 'config', loginsFile(1)), 'closed\n')
  await writeFile(join(data, 'config', loginsFile(2)), '2\n')
  await giveTo(data)
  expect(await restore({ backup: first }), await said()).toBe(0)
  await postgres.primary.start()
  const second = { user: loginOf(database.users.owner, 2), password: `second-${turnedKeys.owner}` }
  const count = () => sql('SELECT count(*) FROM kept', undefined, second).catch(String)
  await expect.poll(count, soon).toEqual([['1']])
  await expect(sql('SELECT 1')).rejects.toThrow('password authentication failed')
})

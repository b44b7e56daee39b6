/** A Postgres of somebody else with TLS, shared by two namespaces, with the settings that the operator renders. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { accessFiles, credentialFiles } from '#dataservice/contract/names.ts'
import { parseSettings, type Settings } from '#dataservice/contract/settings.ts'
import { type Database, openDatabase } from '#dataservice/platform/postgres/database.ts'
import type { User } from '#dataservice/platform/postgres/ownership.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { ensureCertificates } from '#e2e/cluster/pki.ts'
import { type Postgres, startPostgres } from '#e2e/engines/postgres.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'

let certificates: string
let authority: string
let postgres: Postgres
beforeAll(async () => {
  certificates = await mkdtemp(join(tmpdir(), 'external-postgres-'))
  await ensureCertificates(certificates, [{ name: 'server', user: 'postgres', addresses: ['127.0.0.1'] }])
  authority = await readFile(join(certificates, 'ca.crt'), 'utf8')
  postgres = await startPostgres({ tlsFrom: certificates, settings: { log_statement: 'all' } })
  const { user, password } = postgres.address
  const admin = openAs({ user, password, schema: 'public' })
  for (const text of [
    "CREATE ROLE platform LOGIN CREATEROLE PASSWORD 'given'",
    "CREATE ROLE guest LOGIN PASSWORD 'given'",
    'GRANT CREATE ON DATABASE postgres TO platform',
  ])
    await admin.query(text)
  await admin.close()
  return async () => {
    await postgres.remove()
    await rm(certificates, { recursive: true })
  }
})

interface As {
  user: string
  password: string
  schema: string
  host?: string
  ca?: string
}

function openAs({ password, ca = authority, ...as }: As): Database {
  const { host, port, database } = postgres.address
  const context = createSecureContext({ ca })
  const tls = () => context
  const address = { host, port, database, applicationName: 'test', poolSize: 2 }
  return openDatabase({ ...address, ...as, password: () => password, tls })
}

function opened(as: As): Database {
  const database = openAs(as)
  onTestFinished(() => database.close())
  return database
}

/** What the pods of `orders` in a namespace are told. */
function rendered(namespace: string, changes: object = {}): Settings {
  const { host, port, database } = postgres.address
  const tls = { caSecretRef: { name: 'db-ca' } }
  const external = { host, port, database, secretRef: { name: 'db' }, tls, ...changes }
  const service = dataService(withSpec({ postgres: { external } }), ({ metadata, ...rest }) => ({
    ...rest,
    metadata: { ...metadata, namespace },
  }))
  return parseSettings(targetOf(service).settings.text)
}

const passwordOf = (user: User, mark: string): string => `${user}-${mark}-secret`

interface Given {
  username?: string
  password?: string
  /** Of the passwords of the roles. */
  mark?: string
  authority?: string
}

const migrated = (settings: Settings, given?: Given) => ran('migrate', settings, given)

/** Runs a program as its Job does; answers how it ended and what it said. */
async function ran(program: 'migrate' | 'remove', settings: Settings, given: Given = {}) {
  const { username = 'platform', password = 'given', mark = settings.namespace } = given
  const role = await startRole(program, settings, {
    credentials: {
      [credentialFiles.postgresPassword]: passwordOf('owner', mark),
      [credentialFiles.writerPassword]: passwordOf('writer', mark),
      [credentialFiles.readerPassword]: passwordOf('reader', mark),
    },
    files: {
      [`postgres-access/${accessFiles.username}`]: username,
      [`postgres-access/${accessFiles.password}`]: `${password}\n`,
      'postgres-ca.crt': given.authority ?? authority,
    },
  })
  onTestFinished(() => role.remove())
  const exitCode = await role.exitCode
  return { exitCode, said: role.log() }
}

const as = (settings: Settings, user: User, mark = settings.namespace): Database =>
  opened({
    user: settings.store.users[user],
    password: passwordOf(user, mark),
    schema: settings.store.schema,
  })

test('two services of one name share a server, run their migrations again, and see nothing of each other', async () => {
  const [one, other] = [rendered('here'), rendered('there')]
  for (const settings of [one, other, one]) {
    const { exitCode, said } = await migrated(settings)
    expect(exitCode, said).toBe(0)
  }
  const { rows } = await as(one, 'reader').query('SELECT count(*) FROM records')
  expect(rows).toEqual([['0']])
  await expect(as(one, 'reader').query('DELETE FROM records')).rejects.toThrow('permission denied')
  for (const user of ['owner', 'writer', 'reader'] as const)
    await expect(as(other, user).query(`SELECT FROM ${one.store.schema}.records`)).rejects.toThrow(
      'permission denied',
    )
  const log = await readFile(postgres.logFile, 'utf8')
  expect(log).toContain(`ALTER ROLE "${one.store.users.writer}"`)
  expect(log).not.toMatch(/(owner|writer|reader)-(here|there)-secret/)
})

test('roles of another cluster are left alone, until somebody gives them away', async () => {
  const settings = rendered('shared')
  expect((await migrated(settings)).exitCode).toBe(0)
  const second = await migrated(settings, { mark: 'elsewhere' })
  expect(second.exitCode).toBe(1)
  expect(second.said).toContain(
    `role ${settings.store.users.owner} belongs to DataService shared/orders with other`,
  )
  expect((await as(settings, 'writer').query('SELECT 1')).rows).toEqual([['1']])
  const owner = opened({ user: 'platform', password: 'given', schema: 'public' })
  await owner.query(`COMMENT ON ROLE ${settings.store.users.owner} IS NULL`)
  expect((await migrated(settings, { mark: 'elsewhere' })).exitCode).toBe(0)
  expect((await as(settings, 'writer', 'elsewhere').query('SELECT 1')).rows).toEqual([['1']])
})

test('a service that goes takes its schema and roles along, and nothing of another', async () => {
  const [leaving, staying] = [rendered('leaving'), rendered('staying')]
  for (const settings of [leaving, staying]) expect((await migrated(settings)).exitCode).toBe(0)
  // Whatever was declared since, and refused.
  const record = { ...leaving.record, schema: { type: 'string' } }
  const told: Settings = { ...leaving, record, leaves: ['postgres'] }
  const refused = await migrated(told)
  expect(refused.exitCode).toBe(1)
  expect(refused.said).toContain('the record declaration cannot be used')
  const stranger = await ran('remove', told, { mark: 'elsewhere' })
  expect(stranger.exitCode).toBe(1)
  expect(stranger.said).toContain(`role ${leaving.store.users.owner} does not belong to this DataService`)

  const atWork = as(leaving, 'writer')
  expect((await atWork.query('SELECT 1')).rows).toEqual([['1']])
  for (const _ of ['first', 'again']) {
    const { exitCode, said } = await ran('remove', told)
    expect(exitCode, said).toBe(0)
  }
  await expect(atWork.query('SELECT 1')).rejects.toThrow()
  const { user, password } = postgres.address
  const admin = opened({ user, password, schema: 'public' })
  const left = ({ store }: Settings) =>
    admin.query(`SELECT rolname FROM pg_roles WHERE rolname LIKE '${store.schema}%'
UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = '${store.schema}'`)
  expect((await left(leaving)).rows).toEqual([])
  expect((await left(staying)).count).toBe(4)
  expect((await as(staying, 'reader').query('SELECT count(*) FROM records')).rows).toEqual([['0']])
})

const refusals: Record<string, { changes?: object; given?: Given; says: RegExp }> = {
  'a user without rights': {
    given: { username: 'guest' },
    says: /RightsMissing: Postgres 127\.0\.0\.1:\d+: .*CREATEROLE.*permission denied to create role/,
  },
  'a wrong password': {
    given: { password: 'wrong-one' },
    says: /LoginRefused: Postgres 127\.0\.0\.1:\d+: .*password authentication failed for user \\"platform\\"/,
  },
  'a database that is not there': {
    changes: { database: 'nowhere' },
    says: /EngineUnfit: Postgres 127\.0\.0\.1:\d+: there is no such database: create it/,
  },
  'nobody at the port': {
    changes: { port: 1 },
    says: /EngineUnreachable: Postgres 127\.0\.0\.1:1 does not answer as Postgres: .*ECONNREFUSED/,
  },
  'a server of an authority that nobody named': {
    changes: { tls: {} },
    says: /EngineUnreachable: .*certificate/,
  },
}

test.each(Object.entries(refusals))('%s is told with its cause, and nothing is made', async (_name, row) => {
  const settings = rendered('refused', row.changes)
  const { exitCode, said } = await migrated(settings, row.given)
  expect(exitCode).toBe(1)
  expect(said).toMatch(row.says)
  expect(said).not.toMatch(/wrong-one|-refused-secret/)
  const { user, password } = postgres.address
  const admin = opened({ user, password, schema: 'public' })
  const { count } = await admin.query(`SELECT FROM pg_roles WHERE rolname LIKE '${settings.store.schema}%'`)
  expect(count).toBe(0)
})

test('a server is who its certificate says, also where it is called by its address', async () => {
  const { user, password } = postgres.address
  const called = (host: string) => opened({ user, password, schema: 'public', host }).query('SELECT 1')
  expect((await called('127.0.0.1')).rows).toEqual([['1']])
  await expect(called('localhost')).rejects.toThrow(/altnames/)
})

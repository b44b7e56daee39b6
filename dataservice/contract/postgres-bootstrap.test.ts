import { expect, test } from 'vitest'
import { database } from './names.ts'
import {
  bootstrapSql,
  bootstrapVariables,
  loginsSql,
  replicationSql,
  sessionsSql,
} from './postgres-bootstrap.ts'

const names = {
  database: database.name,
  schema: database.schema,
  users: database.users,
  replication: database.replication,
}

test('makes each role and the database only when missing; users may not log in by it', () => {
  const sql = bootstrapSql(names)
  for (const user of [...Object.values(database.users), database.replication])
    expect(sql).toContain(`'CREATE ROLE ${user}' WHERE NOT EXISTS`)
  for (const user of Object.values(database.users)) {
    expect(sql).toContain(`'CREATE ROLE ${user}_2' WHERE NOT EXISTS`)
    expect(sql).toContain(`GRANT ${user} TO ${user}_2;`)
    expect(sql).toContain(`ALTER ROLE ${user}_2 SET role = '${user}';`)
  }
  expect(sql).not.toMatch(/ LOGIN |PASSWORD/)
  expect(replicationSql(names)).toContain(`ALTER ROLE ${database.replication} LOGIN PASSWORD`)
  expect(sql.match(/ NOREPLICATION;/g)).toHaveLength(6)
  expect(sql).toContain('ALTER DATABASE dataservice SET search_path = dataservice;')
})

test.each([
  [1, ''],
  [2, '_2'],
] as const)('set %d is let in with the passwords of the environment, or shut out', (set, suffix) => {
  const sql = loginsSql(names, set)
  for (const user of ['owner', 'writer', 'reader'] as const) {
    expect(sql).toContain(`\\getenv password ${bootstrapVariables[user]}`)
    expect(sql).toContain(`ALTER ROLE ${database.users[user]}${suffix} LOGIN PASSWORD :'password';`)
    expect(sql).toContain(`ALTER ROLE ${database.users[user]}${suffix} NOLOGIN PASSWORD NULL;`)
  }
  expect(sql.match(/\\unset password/g)).toHaveLength(3)
})

test('a statement that fails is never logged, for a password may stand in it', () => {
  for (const sql of [bootstrapSql(names), loginsSql(names, 1), sessionsSql(names, 1), replicationSql(names)])
    expect(sql.indexOf("SET log_min_error_statement = 'panic';")).toBeLessThan(sql.search(/role|pg_stat/i))
})

test('refuses a name that is not a plain identifier', () => {
  expect(() => bootstrapSql({ ...names, schema: 'x; DROP DATABASE y' })).toThrow('not a plain SQL identifier')
  expect(() => loginsSql({ users: { ...names.users, owner: 'x;y' } }, 2)).toThrow(
    'not a plain SQL identifier',
  )
})

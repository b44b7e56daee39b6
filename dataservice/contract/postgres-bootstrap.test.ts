import { expect, test } from 'vitest'
import { database } from './names.ts'
import { bootstrapSql, bootstrapVariables } from './postgres-bootstrap.ts'

const names = {
  database: database.name,
  schema: database.schema,
  users: database.users,
  replication: database.replication,
}

test('makes each role and the database only when missing, and sets each password every time', () => {
  const sql = bootstrapSql(names)
  for (const user of [...Object.values(database.users), database.replication]) {
    expect(sql).toContain(`'CREATE ROLE ${user}' WHERE NOT EXISTS`)
    expect(sql).toContain(`ALTER ROLE ${user} LOGIN`)
  }
  for (const variable of Object.values(bootstrapVariables))
    expect(sql).toContain(`\\getenv password ${variable}`)
  expect(sql.match(/\\unset password/g)).toHaveLength(4)
  expect(sql).toMatch(/ALTER ROLE dataservice_replication LOGIN .* NOCREATEROLE REPLICATION /)
  expect(sql.match(/ NOREPLICATION /g)).toHaveLength(3)
  expect(sql).toContain('ALTER DATABASE dataservice SET search_path = dataservice;')
})

test('refuses a name that is not a plain identifier', () => {
  expect(() => bootstrapSql({ ...names, schema: 'x; DROP DATABASE y' })).toThrow('not a plain SQL identifier')
})

/** A connection for what no role of a service may do. */
import { type Database, type DatabaseOptions, openDatabase } from '#dataservice/platform/postgres/database.ts'
import type { Postgres } from '#e2e/engines/postgres.ts'

export const openAsSuperuser = ({ address }: Postgres, changes: Partial<DatabaseOptions> = {}): Database =>
  openDatabase({
    ...address,
    schema: 'public',
    applicationName: 'bench',
    password: () => address.password,
    poolSize: 1,
    statementTimeoutMs: 0,
    ...changes,
  })

/** A database that the migrate Job has prepared, for tests of the roles that use it. */
import { pino } from 'pino'
import type { AcceptedRecord } from '#dataservice/contract/record-declaration.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { migrate } from '#dataservice/migrate/migrate.ts'
import type { PostgresAddress } from './postgres.ts'
import { type ServiceDatabase, serviceDatabase } from './service-database.ts'
import { acceptedRecord, testSettings } from './service-settings.ts'

export interface MigratedService extends ServiceDatabase {
  settings: Settings
  record: AcceptedRecord
}

/** Roles, database and tables of the test service; `changes` overrides settings. */
export async function migratedService(
  server: PostgresAddress,
  changes: Partial<Settings> = {},
): Promise<MigratedService> {
  const service = await serviceDatabase(server)
  const settings = testSettings(service.store, changes)
  const record = acceptedRecord(settings.record)
  const database = service.open('owner')
  const log = pino({ level: 'silent' })
  const { signal } = new AbortController()
  await migrate({ database, settings, record, log, signal }).finally(() => database.close())
  return { ...service, settings, record }
}

/** Schema versions whose records this writer knows how to store. */
import type { AcceptedRecord } from '#dataservice/contract/record-declaration.ts'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import type { Statement } from '#dataservice/platform/postgres/session.ts'
import { envelope } from '#dataservice/record/envelope.ts'

/** Versions as they stand in the header of each record. */
export interface KnownVersions {
  has(version: Buffer): boolean
}

/** The version of a record that cannot be stored here. */
export function unknownVersion({ headers }: LogRecord, known: KnownVersions): Buffer | undefined {
  const version = headers.get(envelope.schemaVersion)
  return version && !known.has(version) ? version : undefined
}

/** A record mostly has the version of the one before it. */
function knownVersions(names: Iterable<string>): KnownVersions {
  const known = new Set(names)
  let last = Buffer.alloc(0)
  return {
    has(version) {
      if (version.equals(last)) return true
      if (!known.has(version.toString())) return false
      last = Buffer.from(version) // not the piece of a batch, which would keep all of it
      return true
    },
  }
}

/** Versions of one service: each time its schema changed there is one more. */
const mostVersions = 10_000

/**
 * The versions that a writer was told, and all that were in force before it. What came after it, another writer will know.
 * Rejects with a `DatabaseFailure`.
 */
export async function versionsUpTo(
  database: Database,
  { schemaVersion, versions }: Pick<AcceptedRecord, 'schemaVersion' | 'versions'>,
): Promise<KnownVersions> {
  const { rows } = await database.query(earlierStatement(schemaVersion))
  return knownVersions([...versions.map(({ name }) => name), ...rows.flatMap(([version]) => version ?? [])])
}

const earlierStatement = (newest: string): Statement => ({
  text: `SELECT version FROM schema_versions
WHERE place < (SELECT place FROM schema_versions WHERE version = $1) ORDER BY place DESC LIMIT ${mostVersions}`,
  values: [newest],
})

/** Which schema versions were ever in force, in their order: records of all of them may stand in the log and the tables. */
import type { Statement } from '#dataservice/platform/postgres/session.ts'

export const schemaVersionTables: readonly string[] = [
  `CREATE TABLE schema_versions (
  version text COLLATE "C" PRIMARY KEY,
  place bigint GENERATED ALWAYS AS IDENTITY,
  added_at timestamptz NOT NULL DEFAULT now()
)`,
  `INSERT INTO schema_versions (version) SELECT value FROM service_facts WHERE name = 'record.schemaVersion'`,
]

/** The version becomes the last one, also when it was in force before. */
export const lastVersionStatement = (version: string): Statement => ({
  text: `INSERT INTO schema_versions AS v (version) VALUES ($1) ON CONFLICT (version) DO UPDATE
SET place = DEFAULT WHERE v.place < (SELECT max(place) FROM schema_versions)`,
  values: [version],
})

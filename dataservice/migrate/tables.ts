/**
 * The tables, as numbered steps. A step is never changed once released: what comes later is a new step.
 * Statements run in the schema of the service (first in the search path), in one transaction for all steps.
 */

export interface Step {
  version: number
  name: string
  statements: readonly string[]
}

const functions = [
  // The first 48 bits of a UUIDv7 are milliseconds since 1970.
  `CREATE FUNCTION id_time(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)`,
  `CREATE FUNCTION lowest_id(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid`,
]

export const steps: readonly Step[] = [
  {
    version: 1,
    name: 'records, positions in the log, facts',
    statements: [
      // `json` keeps the text as it came; there is no default partition, it would hide that one is missing.
      `CREATE TABLE records (
  id uuid NOT NULL,
  key text COLLATE "C" NOT NULL,
  accepted_at timestamptz NOT NULL,
  schema_version text COLLATE "C" NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id)`,
      // A row moves with each batch: room on its page keeps these updates away from the index.
      `CREATE TABLE ingest_offsets (
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  cluster_id text COLLATE "C" NOT NULL,
  next_offset bigint NOT NULL,
  last_id text COLLATE "C",
  epoch bigint NOT NULL,
  claimed_by text COLLATE "C" NOT NULL,
  PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50)`,
      `CREATE TABLE service_facts (
  name text COLLATE "C" PRIMARY KEY,
  value text NOT NULL
)`,
      ...functions,
    ],
  },
]

/** Steps that a database at `version` still needs. Throws when the database is newer than this program. */
export function stepsAfter(version: number): readonly Step[] {
  const newest = steps.at(-1)?.version ?? 0
  if (version > newest) {
    throw new Error(`the database is at version ${version}, this program knows ${newest}: use a newer image`)
  }
  return steps.filter(step => step.version > version)
}

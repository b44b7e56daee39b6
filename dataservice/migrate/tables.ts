/**
 * The tables, as numbered steps. A step is never changed once released: what comes later is a new step.
 * Statements run in the schema of the service (first in the search path), in one transaction for all steps.
 */
import { type Partitioning, pageOrder, tableKind } from '#dataservice/platform/postgres/partitions.ts'
import { changeRelayTables, changingRecords } from './changing-records.ts'
import { type HashPartitioning, hashPartitions } from './hash-partitions.ts'
import { heldTables } from './held-tables.ts'
import { outcomeTables } from './outcome-tables.ts'
import { probeTables } from './probe-tables.ts'
import { requestKeyTables } from './request-keys.ts'
import { schemaVersionTables } from './schema-versions.ts'

export interface Step {
  version: number
  name: string
  statements: readonly string[]
}

const timeFunctions: readonly string[] = [
  // The first 48 bits of a UUIDv7 are milliseconds since 1970.
  `CREATE FUNCTION id_time(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)`,
  `CREATE FUNCTION lowest_id(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid`,
]

/** Columns behind the id. `json` keeps the text as it came. */
const commonColumns = `key text COLLATE "C" NOT NULL,
  accepted_at timestamptz NOT NULL,
  schema_version text COLLATE "C" NOT NULL,
  body json NOT NULL`

/** There is no default partition: it would hide that one is missing. */
function recordsByTime(): readonly string[] {
  return [
    `CREATE TABLE records (
  id uuid NOT NULL,
  ${commonColumns},
  PRIMARY KEY (id)
) PARTITION BY RANGE (id)`,
    ...timeFunctions,
  ]
}

/** An id that came from outside may come again: the hash of the body tells whether it is the same record. */
function recordsByHash(partitioning: HashPartitioning): readonly string[] {
  return [
    `CREATE TABLE records (
  id text COLLATE "C" NOT NULL,
  ${commonColumns},
  event_id uuid NOT NULL,
  body_hash bytea NOT NULL,
  PRIMARY KEY (id)
) PARTITION BY HASH (id)`,
    `CREATE INDEX records_by_time ON records (${pageOrder.Hash.join(', ')})`,
    ...hashPartitions(partitioning),
  ]
}

function recordTables(partitioning: Partitioning): readonly string[] {
  if (partitioning.by === 'Time') return recordsByTime()
  if (partitioning.history === undefined) return recordsByHash(partitioning)
  return [...changingRecords(partitioning), ...timeFunctions]
}

/** The steps of a service that cuts its table so. */
export function stepsFor(partitioning: Partitioning): readonly Step[] {
  return [
    {
      version: 1,
      name: 'records, positions in the log, facts',
      statements: [
        ...recordTables(partitioning),
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
      ],
    },
    { version: 2, name: 'outcomes and dead letters', statements: outcomeTables },
    { version: 3, name: 'Idempotency-Keys', statements: requestKeyTables },
    { version: 4, name: 'schema versions', statements: schemaVersionTables },
    {
      version: 5,
      name: 'the order of changes',
      statements: tableKind(partitioning) === 'Upsert' ? changeRelayTables : [],
    },
    { version: 6, name: 'records that wait behind a refused one', statements: heldTables },
    { version: 7, name: 'probe records', statements: probeTables },
  ]
}

/** Steps that a database at `version` still needs. Throws when the database is newer than this program. */
export function stepsAfter(version: number, steps: readonly Step[]): readonly Step[] {
  const newest = steps.at(-1)?.version ?? 0
  if (version > newest) {
    throw new Error(`the database is at version ${version}, this program knows ${newest}: use a newer image`)
  }
  return steps.filter(step => step.version > version)
}

/** The tables of a service whose records change (mode Upsert): the state of each record, and all changes. */
import { pageOrder } from '#dataservice/platform/postgres/partitions.ts'
import { type HashPartitioning, hashPartitions } from './hash-partitions.ts'

/**
 * `records`: one row for each id that ever was; `version` rises with each change and `body` is NULL while the record is
 * deleted. `accepted_at` is when it was created, so that a page does not lose its place when records change.
 *
 * `events`: one row for each command, by the id of its event. What changed a record has a version and the whole record
 * as it was from then on; what did not has its outcome, so that the same command is never decided twice.
 */
export function changingRecords(partitioning: HashPartitioning): readonly string[] {
  return [
    `CREATE TABLE records (
  id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  accepted_at timestamptz NOT NULL,
  schema_version text COLLATE "C" NOT NULL,
  body json,
  version bigint NOT NULL,
  changed_at timestamptz NOT NULL,
  event_id uuid NOT NULL,
  PRIMARY KEY (id)
) PARTITION BY HASH (id)`,
    `CREATE INDEX records_by_time ON records (${pageOrder.Upsert.join(', ')}) WHERE body IS NOT NULL`,
    // A row that changes finds room on its page.
    ...hashPartitions(partitioning).map(statement => `${statement} WITH (fillfactor = 80)`),
    `CREATE TABLE events (
  id uuid NOT NULL,
  record_id text COLLATE "C" NOT NULL,
  command text COLLATE "C" NOT NULL,
  accepted_at timestamptz NOT NULL,
  schema_version text COLLATE "C" NOT NULL,
  version bigint,
  body json,
  outcome text COLLATE "C",
  reason text,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id)`,
    'CREATE INDEX events_by_record ON events (record_id, version) WHERE version IS NOT NULL',
  ]
}

/**
 * What changed a record goes to the topic of changes in the order of `number`: a partition of the log is written by one
 * transaction after the other, so within it the numbers rise in the order of commits. They go on rising whatever becomes of
 * the log. `change_positions`: the number up to which the topic has the changes of a partition.
 */
export const changeRelayTables: readonly string[] = [
  'CREATE SEQUENCE change_numbers',
  'ALTER TABLE events ADD COLUMN partition integer, ADD COLUMN number bigint',
  // Rows that stand there already get none: nobody waits for them.
  `ALTER TABLE events ALTER COLUMN number SET DEFAULT nextval('change_numbers')`,
  'CREATE INDEX events_by_number ON events (partition, number) WHERE version IS NOT NULL',
  `CREATE TABLE change_positions (
  partition integer PRIMARY KEY,
  number bigint NOT NULL
) WITH (fillfactor = 50)`,
]

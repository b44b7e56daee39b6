/** Tables for records that are not in `records` as they were sent: why, and their bytes where the database refused them. */

export const outcomeTables: readonly string[] = [
  // What is stored as it was sent has no row here: it follows from `records` and `ingest_offsets`.
  `CREATE TABLE outcomes (
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  log_offset bigint NOT NULL,
  event_id text COLLATE "C",
  record_id text COLLATE "C" NOT NULL,
  record_key text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  winner text COLLATE "C",
  reason text,
  decided_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition, log_offset)
)`,
  'CREATE INDEX outcomes_by_record ON outcomes (record_id, decided_at)',
  'CREATE INDEX outcomes_by_time ON outcomes (decided_at)',
  // The hash of the content tells a replay of one log from another log with the same offsets.
  `CREATE TABLE dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  log_offset bigint NOT NULL,
  event_id text COLLATE "C",
  record_id text COLLATE "C",
  key bytea,
  headers json NOT NULL,
  value bytea,
  sql_state text COLLATE "C",
  reason text NOT NULL,
  content_hash bytea NOT NULL,
  refused_at timestamptz NOT NULL DEFAULT now(),
  relayed_at timestamptz,
  UNIQUE (topic, partition, log_offset, content_hash)
)`,
  'CREATE INDEX dead_letters_waiting ON dead_letters (topic, partition, id) WHERE relayed_at IS NULL',
]

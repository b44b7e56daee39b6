/**
 * `onError: HoldKey`: records that wait behind a refused one with the same key. `blocks`: later records of its key wait for
 * this dead letter.
 */
export const heldTables: readonly string[] = [
  // The hash of the content tells records of one log from those of another log with the same offsets.
  `CREATE TABLE held (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  log_offset bigint NOT NULL,
  key bytea NOT NULL,
  key_hash bytea NOT NULL,
  headers json NOT NULL,
  value bytea,
  content_hash bytea NOT NULL,
  held_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (topic, partition, log_offset, content_hash)
)`,
  // A key of another producer may be longer than an index takes.
  'CREATE INDEX held_by_key ON held (topic, partition, key_hash, log_offset, id)',
  'ALTER TABLE dead_letters ADD COLUMN blocks boolean NOT NULL DEFAULT false',
  'CREATE INDEX dead_letters_blocking ON dead_letters (topic, partition) WHERE blocks',
]

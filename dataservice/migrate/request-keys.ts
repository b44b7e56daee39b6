/** Idempotency-Keys of clients: which record a key stands for, and where that stands in the log. By hash, so that no partition has to be made in time. */
const partitions = 8

export const requestKeyTables: readonly string[] = [
  `CREATE TABLE request_keys (
  key_hash bytea PRIMARY KEY,
  id text COLLATE "C" NOT NULL,
  body_hash bytea NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  log_offset bigint NOT NULL,
  expires_at timestamptz NOT NULL
) PARTITION BY HASH (key_hash)`,
  ...Array.from(
    { length: partitions },
    (_, part) => `CREATE TABLE request_keys_h${part} PARTITION OF request_keys
FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${part})`,
  ),
  'CREATE INDEX request_keys_by_expiry ON request_keys (expires_at)',
]

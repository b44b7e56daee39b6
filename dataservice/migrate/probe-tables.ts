/** The last probe record of each partition of its topic. No row of a user stands here, and none of these elsewhere. */
export const probeTables: readonly string[] = [
  `CREATE TABLE probes (
  partition integer PRIMARY KEY,
  id text COLLATE "C" NOT NULL,
  stored_at timestamptz NOT NULL
) WITH (fillfactor = 50)`,
]

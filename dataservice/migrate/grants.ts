/** Who may do what. PUBLIC may do nothing. */
import type { Settings } from '#dataservice/contract/settings.ts'
import type { TableKind } from '#dataservice/platform/postgres/partitions.ts'
import { quoted } from '#dataservice/platform/postgres/record-fields.ts'

export function grantStatements({ schema, users }: Settings['store'], by: TableKind): readonly string[] {
  const [writer, reader] = [quoted(users.writer), quoted(users.reader)]
  return [
    `REVOKE ALL ON SCHEMA ${quoted(schema)} FROM PUBLIC`,
    `GRANT USAGE ON SCHEMA ${quoted(schema)} TO ${writer}, ${reader}`,
    `GRANT SELECT, INSERT, UPDATE ON ingest_offsets TO ${writer}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON outcomes TO ${writer}`,
    // They are copied to the topic and marked; without HoldKey none keeps others waiting.
    `GRANT SELECT, INSERT, UPDATE (relayed_at, blocks) ON dead_letters TO ${writer}`,
    `GRANT SELECT, INSERT, DELETE ON held TO ${writer}`,
    `GRANT SELECT, INSERT, DELETE ON request_keys TO ${writer}`,
    `GRANT SELECT ON schema_versions TO ${writer}`,
    `GRANT SELECT, INSERT, UPDATE ON probes TO ${writer}`,
    ...onlyFor[by]({ writer, reader }),
    `GRANT SELECT ON records, ingest_offsets, service_facts, outcomes, probes TO ${reader}`,
  ]
}

type Users = Record<'writer' | 'reader', string>

const makesPartitions = ({ writer }: Users): readonly string[] => [
  'REVOKE ALL ON FUNCTION ensure_partition(uuid) FROM PUBLIC',
  `GRANT EXECUTE ON FUNCTION ensure_partition(uuid) TO ${writer}`,
]

/** A reader asks partitions by hash themselves. One that somebody has renamed is none that it asks, and no reason to fail. */
const readsPartitions = (reader: string): string => `DO $grants$
DECLARE part regclass;
BEGIN
  FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'records'::regclass LOOP
    EXECUTE format('GRANT SELECT ON %s TO %s', part, '${reader.replaceAll("'", "''")}');
  END LOOP;
END
$grants$`

const onlyFor: Readonly<Record<TableKind, (users: Users) => readonly string[]>> = {
  Time: users => [`GRANT INSERT ON records TO ${users.writer}`, ...makesPartitions(users)],
  Hash: ({ writer, reader }) => [
    readsPartitions(reader),
    `GRANT INSERT ON records TO ${writer}`,
    // To tell a record that was sent again from another one with the same id.
    `GRANT SELECT (id, body_hash, event_id) ON records TO ${writer}`,
  ],
  // What is decided follows from the record as it is, and from what was decided before.
  Upsert: users => [
    readsPartitions(users.reader),
    `GRANT SELECT, INSERT, UPDATE ON records TO ${users.writer}`,
    `GRANT SELECT, INSERT ON events TO ${users.writer}`,
    `GRANT USAGE ON SEQUENCE change_numbers TO ${users.writer}`,
    `GRANT SELECT, INSERT, UPDATE ON change_positions TO ${users.writer}`,
    `GRANT SELECT ON events TO ${users.reader}`,
    ...makesPartitions(users),
  ],
}

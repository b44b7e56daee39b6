/** `ensure_partition(id)`: how writers get a missing partition without owning the table. */
import { intervals, partitionPrefix, type TimedTable } from '#dataservice/platform/postgres/partitions.ts'

/** Nothing is older than this when rows are kept for ever: an id from before is a mistake, not a record. */
const beginning = '2020-01-01'

/**
 * Makes the partition that takes an id and answers `ready`, or answers why it may not be: `expired` before the
 * retention, `future` beyond the partitions that are made ahead. Writers may call it at the same time.
 *
 * It runs as the owner with a fixed search path. The table is made first and attached then, because only attaching
 * lets inserts into other partitions go on.
 */
export function ensurePartitionSql(
  schema: string,
  { table, interval, premake, retainMs }: TimedTable,
): string {
  const { unit, width, label } = intervals[interval]
  const oldest =
    retainMs === undefined ? `timestamptz '${beginning}'` : `now() - ${retainMs} * interval '1 millisecond'`
  return `CREATE OR REPLACE FUNCTION ensure_partition(wanted uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ${schema}, pg_temp
SET timezone = 'UTC'
AS $function$
DECLARE
  lower_time timestamptz := date_trunc('${unit}', id_time(wanted));
  upper_time timestamptz := lower_time + interval '${width}';
  partition_name text;
BEGIN
  IF upper_time <= ${oldest} THEN
    RETURN 'expired';
  END IF;
  IF lower_time > date_trunc('${unit}', now()) + ${premake} * interval '${width}' THEN
    RETURN 'future';
  END IF;
  partition_name := '${partitionPrefix({ table })}' || to_char(lower_time, '${label}');
  PERFORM pg_advisory_xact_lock(hashtextextended('${schema}.' || partition_name, 0));
  IF EXISTS (SELECT FROM pg_inherits
      WHERE inhparent = '${table}'::regclass AND inhrelid = to_regclass(partition_name)) THEN
    RETURN 'ready';
  END IF;
  IF to_regclass(partition_name) IS NULL THEN
    EXECUTE format('CREATE TABLE %I (LIKE ${table} INCLUDING DEFAULTS INCLUDING STORAGE)', partition_name);
  END IF;
  EXECUTE format('ALTER TABLE ${table} ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
    partition_name, lowest_id(lower_time), lowest_id(upper_time));
  RETURN 'ready';
END
$function$`
}

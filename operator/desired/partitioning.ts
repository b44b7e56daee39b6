/** How the table of records is cut: what the spec says, and what follows from the ids of its records. */
import { builtInPartitioning } from '#crds/v1alpha1/built-in.ts'
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { durationMs } from './duration.ts'

/** A natural id carries no time: then the table is cut by hash, and only then. The rules of the CRD see to the rest. */
export function partitioningOf({
  record,
  postgres,
}: Pick<DataServiceSpec, 'record' | 'postgres'>): Settings['partitioning'] {
  const { partitions, interval, premake, retain } = postgres.partitioning
  if (record.id !== undefined)
    return { by: 'Hash', partitions: partitions ?? builtInPartitioning.hashPartitions }
  return {
    by: 'Time',
    interval: interval ?? builtInPartitioning.interval,
    premake: premake ?? builtInPartitioning.premake,
    ...(retain === undefined ? {} : { retainMs: durationMs(retain) }),
  }
}

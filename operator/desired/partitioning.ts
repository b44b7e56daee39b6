/** How the table of records is cut: what the spec says, and what follows from the ids of its records. */
import { builtInPartitioning } from '#crds/v1alpha1/built-in.ts'
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { durationMs } from './duration.ts'

/**
 * A natural id carries no time: then the table is cut by hash. So is that of records that change, beside which stands
 * their history, cut by time. The rules of the CRD see to the rest.
 */
export function partitioningOf({
  record,
  postgres,
}: Pick<DataServiceSpec, 'record' | 'postgres'>): Settings['partitioning'] {
  const { partitions, interval, premake, retain } = postgres.partitioning
  const byHash = { by: 'Hash', partitions: partitions ?? builtInPartitioning.hashPartitions } as const
  const byTime = {
    by: 'Time',
    interval: interval ?? builtInPartitioning.interval,
    premake: premake ?? builtInPartitioning.premake,
    ...(retain === undefined ? {} : { retainMs: durationMs(retain) }),
  } as const
  if (record.mode === 'Upsert') return { ...byHash, history: byTime }
  return record.id === undefined ? byTime : byHash
}

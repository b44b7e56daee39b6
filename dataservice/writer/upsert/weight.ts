/** How much patches may make of one batch: a patch of some bytes makes a whole record anew. Pure. */
import type { NewRow } from '../decode.ts'

/** Of records that patches are merged into in one transaction, in bytes; what is sent is bounded by the batch. */
export const mergedBytes = 8 * 1024 * 1024

/**
 * The first command before which patches have made so much already, if none changes the size of its record by much;
 * undefined when all fit. `sizes`: of the stored records that are patched, in bytes, by id.
 */
export function firstTooMany(
  rows: readonly NewRow[],
  sizes: ReadonlyMap<string, number>,
  most = mergedBytes,
): NewRow | undefined {
  const now = new Map(sizes)
  let bytes = 0
  for (const row of rows) {
    const { id, command, record } = row
    const size = Math.max(now.get(id) ?? 0, record.value?.length ?? 0)
    now.set(id, size)
    if (command?.kind !== 'merge') continue
    bytes += size
    if (bytes > most && row !== rows[0]) return row
  }
  return undefined
}

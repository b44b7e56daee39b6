/** Records whose id is taken by another record. The first one stays; the others are never passed over in silence. */
import type { NewRow } from './decode.ts'

/** Body hash in hex of the record that stands under an id. */
export type Standing = ReadonlyMap<string, string>

/**
 * Rows in log order that carry another body than the record of their id: the one that stands in the table, else the
 * first one of the batch. A row with the same body is a duplicate, not a conflict.
 */
export function conflictsOf(rows: readonly NewRow[], standing: Standing): readonly NewRow[] {
  const bodies = new Map(standing)
  return rows.filter(({ id, bodyHash }) => {
    if (bodyHash === undefined) return false
    const first = bodies.get(id)
    if (first === undefined) bodies.set(id, bodyHash)
    return first !== undefined && first !== bodyHash
  })
}

/** Ids that come from a record itself: which of them can be kept and asked for again. */
import { keyText } from './pointer.ts'

/** Bounds of an id in characters; the schema of a record keeps to it. */
export const maxIdCharacters = 600

/**
 * Path segments that every URL parser takes out, however they are encoded, and the empty one: a record of such an id
 * could never be asked for.
 */
const unreachable: readonly string[] = ['', '.', '..']

export type NaturalId = { kind: 'id'; id: string } | { kind: 'refused'; message: string }

/** The id that a value of a record stands for: a text as it is, a whole number in decimal digits (`1e2` is `100`). */
export function naturalId(value: unknown): NaturalId {
  const id = keyText(value)
  if (id === undefined) return refused('the id must be a string or an integer within 2^53')
  if (unreachable.includes(id)) return refused(`the id cannot be ${JSON.stringify(id)}: no URL could name it`)
  return { kind: 'id', id }
}

/** Whether a record may have this id: what cannot be stored is not even looked for. */
export function isStorable(id: string): boolean {
  return !unreachable.includes(id) && id.isWellFormed() && !id.includes('\0') && !isTooLong(id)
}

/** A character may be two units of UTF-16. */
function isTooLong(id: string): boolean {
  if (id.length <= maxIdCharacters) return false
  return id.length > 2 * maxIdCharacters || [...id].length > maxIdCharacters
}

function refused(message: string): NaturalId {
  return { kind: 'refused', message }
}

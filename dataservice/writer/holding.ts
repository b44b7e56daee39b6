/** Which records wait behind a refused one with the same key. Pure. */
import { hash } from 'node:crypto'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { isReadable, type LogRow } from './decode.ts'

/** How a batch is stored where keys may be held. */
export interface Holding {
  /** A refused record holds its key. */
  isOn: boolean
  /** Keys that are held already (`keyOf`). */
  keys: ReadonlySet<string>
}

/** SHA-256 of a record's key in hex, for a key may be of any length; undefined when it has none. */
export const keyOf = ({ key }: Pick<LogRecord, 'key'>): string | undefined => key && hash('sha256', key)

/** Rows that may be stored, and those whose key is held, be it by an unreadable row before them; both in log order. */
export function withoutHeld(
  rows: readonly LogRow[],
  { isOn, keys }: Holding,
): { free: readonly LogRow[]; held: readonly LogRow[] } {
  if (keys.size === 0 && (!isOn || rows.every(isReadable))) return { free: rows, held: [] }
  const blocked = new Set(keys)
  const free: LogRow[] = []
  const held: LogRow[] = []
  for (const row of rows) {
    const key = keyOf(row.record)
    if (key !== undefined && blocked.has(key)) held.push(row)
    else {
      free.push(row)
      if (isOn && key !== undefined && !isReadable(row)) blocked.add(key)
    }
  }
  return { free, held }
}

/** Rows as lines: NDJSON as `GET /data/{id}` answers each record, or CSV after RFC 4180. */
import type { Cell, Row } from '#dataservice/platform/postgres/session.ts'
import { recordText } from './answers.ts'
import type { Selection } from './fields.ts'

export function jsonLines(rows: readonly Row[], selection: Selection | undefined): string {
  // A body may be written over several lines; outside of texts a line break means as much as a space.
  return rows.map(row => `${recordText(row, selection).replace(/[\r\n]+/g, ' ')}\n`).join('')
}

/** Columns before those of the record. */
const own = ['id', 'acceptedAt', 'schemaVersion'] as const

/** What of a record becomes columns: what was asked for, else its members; undefined: the whole record in one column. */
export function csvSelection(
  asked: Selection | undefined,
  members: readonly string[],
): Selection | undefined {
  const paths = asked?.paths ?? members.map(member => [member])
  return paths.length === 0 ? undefined : { paths, as: 'text' }
}

export function csvHeader(selection: Selection | undefined): string {
  const names = selection?.paths.map(columnName) ?? ['record']
  return `${[...own, ...names].map(csvCell).join(',')}\r\n`
}

function columnName(path: readonly string[]): string {
  const [name = ''] = path
  if (path.length === 1 && !own.some(each => each === name)) return name
  return path.map(segment => `/${segment.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Texts without quotes around them, numbers as they came, lists and objects as JSON; nothing for null and absent. */
export function csvLines(rows: readonly Row[]): string {
  return rows.map(row => `${row.map(csvCell).join(',')}\r\n`).join('')
}

function csvCell(cell: Cell): string {
  if (cell === null) return ''
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

/** Rows of records in older versions, in the form of the newest one. Rows of the newest one pass as they are. */
import type { Cell, Row } from '#dataservice/platform/postgres/session.ts'
import type { Lifting } from '#dataservice/record/lifting.ts'
import { textAt } from '#dataservice/record/upgrade.ts'
import type { Selection } from './fields.ts'

export interface RowLifting {
  /** What to ask the database for: of other versions the whole body comes as the last column. */
  asked(selection: Selection | undefined): Selection | undefined
  /** A row of id, time, schema version and body, or of what was `asked` of it; the last column leaves. */
  lifted(row: Row, selection: Selection | undefined): Row
  /** Whether the text of a record, which another reader may have made, is in the form that is shown here. */
  shows(record: Buffer | undefined): boolean
  /** Names the form in which records are shown; part of the names under which they are kept. Empty: they have but one. */
  form: string
  /** How many forms there were: tells two forms of one version of a record apart. */
  forms: number
}

/** Where there is but one version. */
export const asStored: RowLifting = {
  asked: selection => selection,
  lifted: row => row,
  shows: () => true,
  form: '',
  forms: 1,
}

export function rowLifting(lifting: Lifting | undefined): RowLifting {
  if (lifting === undefined) return asStored
  const { newest } = lifting
  const named = Buffer.from(`${newest}"`)
  return {
    form: `${newest}:`,
    forms: lifting.forms,
    asked: selection => selection && { ...selection, wholeUnless: newest },
    shows: record => record === undefined || isOfVersion(record, named),
    lifted(row, selection) {
      const [id = null, acceptedAt = null, version, ...cells] = row
      if (version === newest) return selection === undefined ? row : row.slice(0, -1)
      const shown = lifting.lift(cells.at(-1) ?? '', version ?? '')
      const record =
        selection === undefined
          ? [shown.body]
          : selection.paths.map(path => cellAt(shown.body, path, selection))
      return [id, acceptedAt, shown.version, ...record]
    },
  }
}

const beforeVersion = ',"schemaVersion":"'

/** Before the version stands nothing but id and time, where a quotation mark in a text has a backslash. */
function isOfVersion(record: Buffer, named: Buffer): boolean {
  const at = record.indexOf(beforeVersion) + beforeVersion.length
  return record.subarray(at, at + named.length).equals(named)
}

/** As the database would cut it out. */
function cellAt(body: string, path: readonly string[], { as }: Selection): Cell {
  const text = textAt(body, path)
  if (text === undefined) return null
  if (as !== 'text') return text
  if (text === 'null') return null
  return text.startsWith('"') ? String(JSON.parse(text)) : text
}

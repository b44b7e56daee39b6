/** JSON of the answers. Bodies are put in as the text they came in; they are never parsed here. */
import type { Row } from '#dataservice/platform/postgres/session.ts'
import { type Selection, selectedText } from './fields.ts'

/** A row of id, time, schema version and body as `{"id","acceptedAt","schemaVersion","record"}`. */
export function recordText([id, acceptedAt, schemaVersion, ...body]: Row, selection?: Selection): string {
  const version = JSON.stringify(schemaVersion)
  const record = selection === undefined ? body[0] : selectedText(selection, body)
  return `{"id":${JSON.stringify(id)},"acceptedAt":"${acceptedAt}","schemaVersion":${version},"record":${record}}`
}

/** How many records a query has. */
export interface Count {
  value: number
  relation: 'exact' | 'at-least' | 'estimate'
}

/** A page of texts of records: `next` is the cursor of the following one. */
export function pageText(items: readonly string[], next: string | undefined, count?: Count): string {
  const counted = count === undefined ? '' : `,"count":${JSON.stringify(count)}`
  return `{"items":[${items.join(',')}],"next":${next === undefined ? 'null' : `"${next}"`}${counted}}`
}

/** JSON of the answers. Bodies are put in as the text they came in; they are never parsed here. */
import type { Row } from '#dataservice/platform/postgres/session.ts'

/** A row of `recordStatement` or `pageStatement` as `{"id","acceptedAt","schemaVersion","record"}`. */
export function recordText([id, acceptedAt, schemaVersion, body]: Row): string {
  const version = JSON.stringify(schemaVersion)
  return `{"id":${JSON.stringify(id)},"acceptedAt":"${acceptedAt}","schemaVersion":${version},"record":${body}}`
}

/** A page: `next` is the cursor of the following one. */
export function pageText(rows: readonly Row[], next: string | undefined): string {
  return `{"items":[${rows.map(recordText).join(',')}],"next":${next === undefined ? 'null' : `"${next}"`}}`
}

/** `GET /data/{id}/events`: all changes of a record, first to last, each with the whole record as it was from then on. */
import type { Row, Statement } from '#dataservice/platform/postgres/session.ts'
import { versionTag } from './entity.ts'
import { idSchemes } from './ids.ts'
import { maxPageBytes } from './query.ts'
import type { RowLifting } from './row-lifting.ts'
import type { Ask, Store } from './store.ts'

export interface HistoryQuestion {
  /** As a client wrote it. */
  id: string
  limit: number
  /** Changes after this version. */
  after: bigint
}

export class History {
  readonly #store: Store
  readonly #lifting: RowLifting

  constructor(store: Store, lifting: RowLifting) {
    this.#store = store
    this.#lifting = lifting
  }

  /** The tag of the version that an event has made; undefined when it made none. Rejects like the store. */
  async madeBy(eventId: string, ask: Ask): Promise<string | undefined> {
    if (!eventShape.test(eventId)) return undefined
    const text = 'SELECT version FROM events WHERE id = $1'
    const [row] = await this.#store.rows({ text, values: [eventId] }, ask)
    return row?.[0] ? versionTag(row[0], this.#lifting.forms) : undefined
  }

  /** The JSON of the answer; undefined when there was never such a record. Rejects like the store. */
  async page({ id: text, limit, after }: HistoryQuestion, ask: Ask): Promise<string | undefined> {
    const id = idSchemes.Upsert.canonical(text)
    if (id === undefined) return undefined
    const found = await this.#store.rows(historyStatement(id, limit, after), ask)
    // What is older than the history is kept has no changes any more, but a state.
    if (found.length === 0 && (await this.#store.rows(versionStatement(id), ask)).length === 0)
      return undefined
    const rows = found.slice(0, limit)
    const isMore = Number(found[0]?.[columns.found] ?? 0) > rows.length
    const next = isMore ? JSON.stringify(rows.at(-1)?.[columns.version]) : 'null'
    return `{"items":[${rows.map(row => changeText(row, this.#lifting)).join(',')}],"next":${next}}`
  }
}

/** A UUIDv7 in lower case. */
const eventShape = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const columns = { found: 0, version: 1 } as const

function changeText(
  [, version, eventId = null, command, acceptedAt = null, storedVersion = null, stored]: Row,
  { lifted }: RowLifting,
): string {
  const [, , schemaVersion, body] = stored
    ? lifted([eventId, acceptedAt, storedVersion, stored], undefined)
    : [eventId, acceptedAt, storedVersion]
  const told = JSON.stringify({ eventId, command, acceptedAt, schemaVersion })
  return `{"version":${version},${told.slice(1, -1)},"record":${body ?? 'null'}}`
}

/** Columns: rows found up to one beyond the limit, then those of a change. Fewer come back when they are large. */
function historyStatement(id: string, limit: number, after: bigint): Statement {
  return {
    text: `SELECT found, version, id, command, to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), schema_version, body
FROM (
SELECT *, count(*) OVER () AS found,
  sum(octet_length(body::text)) OVER (ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
FROM (SELECT * FROM events WHERE record_id = $1 AND version > $2 ORDER BY version LIMIT $3) AS page
) AS sized WHERE coalesce(bytes_before, 0) < ${maxPageBytes} ORDER BY version`,
    values: [id, after, limit + 1],
  }
}

function versionStatement(id: string): Statement {
  return { text: 'SELECT version FROM records WHERE id = $1', values: [id] }
}

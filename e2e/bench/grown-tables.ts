/** Tables of many rows in many partitions, made by our own migration and filled by Postgres itself. */
import { statfs } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import type { Postgres } from '#e2e/engines/postgres.ts'
import { type TestRecord, uuid7At } from '#e2e/engines/records.ts'
import { acceptedRecord } from '#e2e/engines/service-settings.ts'
import { step } from '#tools/progress.ts'
import { openAsSuperuser } from './administrator.ts'

export type Layout = 'range' | 'hash'

/** What a table holds before anything is measured. */
export interface Extent {
  partitions: number
  rows: number
}

export interface GrownTable extends Extent {
  service: MigratedService
  postgres: Postgres
  layout: Layout
}

const dayMs = 86_400_000
/** Values of the indexed field; every partition has them all. */
export const statuses = Array.from({ length: 8 }, (_, number) => `s${number}`)
/** Of one row, as Postgres keeps it: with the head of the row, without indexes. */
const maxRowBytes = 100
/** Rows, their indexes and what fragments of both leave free; seen: 220 by hash, 180 by range. */
const diskBytesOfRow = 250
/** The write-ahead log beside the tables, at most. */
const logBytes = 6 * 1024 ** 3
const limitMs = 90 * 60_000
/** Rows that one statement inserts where partitions do not decide it. */
const chunkRows = 250_000

/** Natural ids are like numbers of orders: they go up, and all have as many digits. */
const firstNumber = 100_000_000
const schema = {
  type: 'object',
  required: ['status', 'n'],
  properties: { status: { type: 'string', maxLength: 16 }, n: { type: 'string', maxLength: 16 } },
}
const byTime: Settings['record'] = { schema, indexes: [{ fields: ['/status'] }] }
const byHash: Settings['record'] = { ...byTime, id: '/n' }
const status = (n: string): string => `'s' || ${n} % ${statuses.length}`
const body = `('{"status":"' || ${status('n')} || '","n":"' || ${firstNumber} + n || '"}')::json`

/** Rows n = $1 to $2: the moment of a row is `$3 + n * $4`, in milliseconds since 1970. */
interface LayoutFacts {
  changes(partitions: number): Partial<Settings>
  insert: string
  idAt(n: number, momentMs: number): string
  /** Records of now, as the log has them, whose ids follow on `from`. */
  records(count: number, from: number): TestRecord[]
  /** Rows that came after the day began, counted. */
  newRows: string
}

const moment = '($3::bigint + n * $4::bigint)'
const source = 'FROM generate_series($1::bigint, $2::bigint) AS n'

export const layouts: Readonly<Record<Layout, LayoutFacts>> = {
  range: {
    changes: () => ({
      record: byTime,
      partitioning: { by: 'Time', interval: 'Day', premake: 1 },
    }),
    // The version and the variant of a UUIDv7 stand behind its time.
    insert: `INSERT INTO records (id, key, accepted_at, schema_version, body)
SELECT (lpad(to_hex(${moment}), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
'k', to_timestamp(${moment} / 1000.0), 'v', ${body} ${source}`,
    idAt(n, momentMs) {
      const time = momentMs.toString(16).padStart(12, '0')
      return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`
    },
    records(count, from) {
      const headers = headersOf(byTime)
      return Array.from({ length: count }, (_, number) => ({
        id: uuid7At(Date.now()),
        ...content(from + number, headers),
      }))
    },
    newRows: `SELECT count(*) FROM records WHERE id >= lowest_id(date_trunc('day', now()))`,
  },
  hash: {
    changes: partitions => ({
      record: byHash,
      partitioning: { by: 'Hash', partitions },
    }),
    insert: `INSERT INTO records (id, key, accepted_at, schema_version, body, event_id, body_hash)
SELECT (${firstNumber} + n)::text, 'k', to_timestamp(${moment} / 1000.0), 'v', ${body},
(lpad(to_hex(${moment}), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid, '\\x00' ${source}`,
    idAt: n => `${firstNumber + n}`,
    records(count, from) {
      const headers = headersOf(byHash)
      return Array.from({ length: count }, (_, number) => ({
        id: `${firstNumber + from + number}`,
        eventId: uuid7At(Date.now()),
        ...content(from + number, headers),
      }))
    },
    newRows: `SELECT count(*) FROM records WHERE accepted_at >= date_trunc('day', now())`,
  },
}

/** What a writer asks of a record: the version of the schema that it was accepted by. */
const headersOf = (record: Settings['record']) => ({
  [envelope.schemaVersion]: acceptedRecord(record).schemaVersion,
})

function content(
  n: number,
  headers: Readonly<Record<string, string>>,
): Pick<TestRecord, 'body' | 'key' | 'headers'> {
  const body = `{"status":"${statuses[n % statuses.length]}","n":"${firstNumber + n}"}`
  return { key: 'k', body, headers }
}

/** Rejects with what is missing before anything is written. */
export async function refuseWithoutRoom(rows: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir())
  const wanted = rows * diskBytesOfRow + logBytes
  if (bavail * bsize >= wanted) return
  const inGigabytes = (bytes: number) => Math.ceil(bytes / 1024 ** 3)
  throw new Error(
    `${rows} rows need ${inGigabytes(wanted)} GiB in ${tmpdir()}, ${inGigabytes(bavail * bsize)} are free: make room, or set TMPDIR to another disk`,
  )
}

/** Fills all but the partition of today, which takes what is inserted later. Rejects after an hour and a half. */
export async function grownTable(
  postgres: Postgres,
  layout: Layout,
  { partitions, rows }: Extent,
): Promise<GrownTable> {
  const service = await migratedService(postgres.address, layouts[layout].changes(partitions))
  const table = { service, postgres, layout, partitions, rows }
  const sessions = availableParallelism()
  const database = service.open('owner', { poolSize: sessions })
  try {
    if (layout === 'range')
      await database.query(
        `SELECT ensure_partition(lowest_id(date_trunc('day', now()) - day * interval '1 day')) FROM generate_series(1, ${partitions}) AS day`,
      )
    const chunks = chunksOf(table)
    const until = performance.now() + limitMs
    await inSessions(sessions, chunks, async (chunk, done) => {
      if (performance.now() > until)
        throw new Error(`the tables are not full after ${limitMs / 60_000} minutes`)
      await database.query({ text: layouts[layout].insert, values: chunk })
      if (rows >= 20 * chunkRows && (done + 1) % Math.ceil(chunks.length / 20) === 0)
        step(`  ${layout}: ${done + 1} of ${chunks.length} parts of ${rows} rows`)
    })
    await tidy(database, sessions)
    await checkRows(database, table)
    await writeOut(postgres)
  } finally {
    await database.close()
  }
  return table
}

/** First and last row, and the moments between them: for partitions by time each of them is one part. */
function chunksOf(table: GrownTable): [number, number, number, number][] {
  const { rows, partitions, layout } = table
  const each = layout === 'range' ? rows / partitions : Math.min(chunkRows, rows)
  const { start, stepMs } = momentsOf(table)
  return Array.from({ length: Math.ceil(rows / each) }, (_, part) => {
    const first = part * each
    return [first, Math.min(first + each, rows) - 1, start, stepMs]
  })
}

/** The rows lie evenly over as many days as there are partitions, up to the start of today (UTC). */
function momentsOf({ rows, partitions }: Extent): { start: number; stepMs: number } {
  const today = Math.floor(Date.now() / dayMs) * dayMs
  const stepMs = Math.floor((partitions * dayMs) / rows)
  return { start: today - partitions * dayMs, stepMs }
}

/** Id of the row n of those that were filled in. */
export function idOf(table: GrownTable, n: number): string {
  const { start, stepMs } = momentsOf(table)
  return layouts[table.layout].idAt(n, start + n * stepMs)
}

/** What would otherwise be done by the first who read. */
async function tidy(database: Database, sessions: number): Promise<void> {
  const { rows } = await database.query(
    `SELECT quote_ident(c.relname) FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = 'records'::regclass`,
  )
  await inSessions(sessions, rows, async ([name]) => {
    await database.query(`VACUUM (ANALYZE) ${name}`)
  })
  await database.query('ANALYZE records')
}

/** Nothing that was filled in is left to be written while somebody measures. */
async function writeOut(postgres: Postgres): Promise<void> {
  const superuser = openAsSuperuser(postgres)
  await superuser.query('CHECKPOINT').finally(() => superuser.close())
}

async function checkRows(database: Database, { rows: wanted, layout }: GrownTable): Promise<void> {
  const { rows } = await database.query(
    `SELECT (SELECT sum(reltuples::bigint) FROM pg_class WHERE relispartition AND relname LIKE 'records%' AND relkind = 'r'),
(SELECT max(pg_column_size(r.*)) FROM (SELECT * FROM records LIMIT 1000) AS r)`,
  )
  const [[counted, bytes] = []] = rows
  if (Number(counted) !== wanted) throw new Error(`${counted} rows stand where ${wanted} should`)
  if (Number(bytes) > maxRowBytes) throw new Error(`a row by ${layout} has ${bytes} bytes`)
}

/** Works through a list, some at a time. */
async function inSessions<T>(
  sessions: number,
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries()
  const session = async () => {
    for (const [index, item] of queue) await work(item, index)
  }
  await Promise.all(Array.from({ length: sessions }, session))
}

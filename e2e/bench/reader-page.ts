/** Page 10,000 and those behind it against the first ones: how many blocks Postgres touches for them. */

import type { Database } from '#dataservice/platform/postgres/database.ts'
import { type Partitioning, pageOrder } from '#dataservice/platform/postgres/partitions.ts'
import { fieldExpression } from '#dataservice/platform/postgres/record-fields.ts'
import type { Statement } from '#dataservice/platform/postgres/session.ts'
import type { PagePlace } from '#dataservice/reader/cursor.ts'
import type { Condition } from '#dataservice/reader/parameters.ts'
import { pageStatement } from '#dataservice/reader/query.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { startPostgres } from '#e2e/engines/postgres.ts'
import { naturalIds } from '#e2e/engines/service-settings.ts'
import type { Size, Tally } from './contest.ts'
import { fill } from './stored-rows.ts'

/** With pages of 10 the index of all rows has one level less than that of the filter, and page 1 is read from it. */
const limits: Readonly<Record<Size, number>> = { smoke: 40, full: 100 }
const page = 10_000
/** Whether one page ends in the middle of a block is chance. */
const pagesInARow = 10

export async function readerPageBench(size: Size, resources: AsyncDisposableStack): Promise<Tally[]> {
  const postgres = await startPostgres()
  resources.defer(() => postgres.remove())
  const limit = limits[size]
  const tallies: Tally[] = []
  for (const [by, changes] of [
    ['range', {}],
    ['hash', naturalIds],
  ] as const) {
    const service = await migratedService(postgres.address, changes)
    await fill(service, 2 * (page + pagesInARow) * limit)
    const database = service.open('reader')
    resources.defer(() => database.close())
    for (const isFiltered of [false, true])
      tallies.push({
        name: `reader-page-${by}${isFiltered ? '-filtered' : ''}`,
        metric: `blocks that Postgres touches for ${pagesInARow} pages`,
        gate: 1 / 1.2,
        peer: 'from page 1 on',
        count: () => blocksOfPages(database, service, limit, isFiltered ? [ofOneCustomer(service)] : []),
      })
  }
  return tallies
}

/** Half of the rows, through a declared index. */
function ofOneCustomer({ record }: MigratedService): Condition {
  const field = record.indexes.flatMap(({ fields }) => fields).find(({ pointer }) => pointer === '/customer')
  if (field === undefined) throw new Error('the test service has no index on /customer')
  return { field, operator: 'eq', values: ['c1'] }
}

async function blocksOfPages(
  database: Database,
  { settings }: MigratedService,
  limit: number,
  conditions: readonly Condition[],
): Promise<{ ours: number; peer: number }> {
  const { by } = settings.partitioning
  const start = { question: { conditions }, limit }
  const blocksFrom = async (first: number): Promise<number> => {
    let sum = 0
    for (let number = first; number < first + pagesInARow; number++) {
      const rows = (number - 1) * limit
      const place = rows === 0 ? {} : { after: await placeBehind(database, by, rows, conditions) }
      sum += await blocks(database, pageStatement({ ...start, ...place }, by))
    }
    return sum
  }
  return { ours: await blocksFrom(page), peer: await blocksFrom(1) }
}

/** The place of the last of so many rows, which a cursor would carry. */
async function placeBehind(
  database: Database,
  by: Partitioning['by'],
  rows: number,
  conditions: readonly Condition[],
): Promise<PagePlace> {
  const where = conditions.map(({ field, values: [value] }) => `WHERE ${fieldExpression(field)} = '${value}'`)
  const order = pageOrder[by].map(column => `${column} DESC`).join(', ')
  const found = await database.query({
    text: `SELECT id, to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM records ${where.join()}
ORDER BY ${order} OFFSET $1 LIMIT 1`,
    values: [rows - 1],
  })
  const [id, acceptedAt] = found.rows[0] ?? []
  if (!id || !acceptedAt) throw new Error(`there are no ${rows} rows`)
  return by === 'Hash' ? { id, acceptedAt } : { id }
}

interface Plan {
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  'Actual Rows': number
}

async function blocks(database: Database, { text, values = [] }: Statement): Promise<number> {
  const { rows } = await database.query({ text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values })
  const [{ Plan: plan }]: [{ Plan: Plan }] = JSON.parse(rows[0]?.[0] ?? '')
  if (plan['Actual Rows'] === 0) throw new Error('the page is empty')
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
}

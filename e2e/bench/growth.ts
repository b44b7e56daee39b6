/** What a hundred times the rows in a hundred times the partitions cost, with memory for few of them. */
import { randomBytes } from 'node:crypto'
import { bearer, innerKey } from '#dataservice/platform/http/inner-key.ts'
import { recordStatement } from '#dataservice/reader/query.ts'
import { startKafka } from '#e2e/engines/kafka.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { startPostgres } from '#e2e/engines/postgres.ts'
import type { Contest, Sample, Size } from './contest.ts'
import { cpuOf, cpuOfTree } from './cpu.ts'
import { topicOf } from './filled-topic.ts'
import {
  type Extent,
  type GrownTable,
  grownTable,
  idOf,
  type Layout,
  layouts,
  refuseWithoutRoom,
  statuses,
} from './grown-tables.ts'
import { getEach } from './load.ts'
import { timed } from './measured.ts'
import type { Server } from './peer.ts'
import { startReader } from './reading.ts'
import { counted } from './rounds.ts'
import { one, pidOf, storeLog, warmUpRows } from './writer-round.ts'

interface Amounts {
  large: Extent
  /** Measured ones of one round. */
  inserts: number
  /** Of one round: in the first one every connection gets to keep its plan for every partition. */
  gets: number
  pages: number
  plans: number
}

const amounts: Readonly<Record<Size, Amounts>> = {
  smoke: {
    large: { partitions: 400, rows: 5_000_000 },
    inserts: 100_000,
    gets: 20_000,
    pages: 500,
    plans: 5_000,
  },
  full: {
    large: { partitions: 400, rows: 100_000_000 },
    inserts: 100_000,
    gets: 30_000,
    pages: 1_000,
    plans: 10_000,
  },
}

/** In both sizes: a table of which a part lies in the memory of Postgres, as of the large one, and not all of it. */
const small: Extent = { partitions: 4, rows: 1_000_000 }

/** What is measured is the work for each statement: no vacuum or checkpoint of one table falls into the turn of the other. */
const settings = {
  shared_buffers: '128MB',
  full_page_writes: 'on',
  max_wal_size: '4GB',
  checkpoint_timeout: '60min',
  autovacuum: 'off',
  // As in a managed Postgres.
  max_files_per_process: '8000',
  max_locks_per_transaction: '256',
}
const gate = 0.9
/** Newest first by hash of the id asks every partition for its newest: their number is chosen once, and told here. */
const reports: ReadonlySet<string> = new Set(['growth-hash-page'])

export const growthBench =
  (layout: Layout) =>
  async (size: Size, resources: AsyncDisposableStack): Promise<Contest[]> => {
    const sizes = amounts[size]
    await refuseWithoutRoom(sizes.large.rows)
    const kafka = await startKafka({ brokers: 1 })
    resources.defer(() => kafka.remove())
    const brokers = kafka.bootstrapServers
    const postgres = await startPostgres({ settings })
    resources.defer(() => postgres.remove())
    const rows = await newRecords(layout, brokers, size)
    const ours = await measures(await grownTable(postgres, layout, sizes.large), sizes, rows, resources)
    const peer = await measures(await grownTable(postgres, layout, small), sizes, rows, resources)
    return measured.map(({ name, metric }) => ({
      name: `growth-${layout}-${name}`,
      metric,
      gate: reports.has(`growth-${layout}-${name}`) ? 0 : gate,
      ours: { version: told(sizes.large), round: ours[name] },
      peer: { version: told(small), round: peer[name] },
    }))
  }

const told = ({ rows, partitions }: Extent): string =>
  `${rows.toLocaleString('en')} rows in ${partitions} partitions`

/** Inserts come last: they change what the others look at. */
const measured = [
  { name: 'plan', metric: 'CPU µs of Postgres to plan a record by its id' },
  { name: 'get', metric: 'CPU µs of reader and Postgres for each record, in no cache' },
  { name: 'page', metric: 'CPU µs of reader and Postgres for each filtered page of 100' },
  { name: 'insert', metric: 'CPU µs of writer and Postgres for each row' },
] as const

type Measure = (typeof measured)[number]['name']

/** New records of each round in a topic of its own: each table takes each of them once. */
async function newRecords(layout: Layout, brokers: string[], size: Size): Promise<NewRecords> {
  const { inserts, large } = amounts[size]
  const records = warmUpRows + inserts
  const topics: string[] = []
  for (let round = 0; round <= counted[size]; round++) {
    const made = layouts[layout].records(records, large.rows + round * records)
    topics.push(await topicOf(brokers, made))
  }
  return { brokers, topics, records }
}

interface NewRecords {
  brokers: string[]
  topics: readonly string[]
  /** In each topic. */
  records: number
}

async function measures(
  table: GrownTable,
  { gets, pages, plans }: Amounts,
  { brokers, topics, records }: NewRecords,
  resources: AsyncDisposableStack,
): Promise<Record<Measure, () => Promise<Sample>>> {
  const { service, postgres, layout } = table
  const reader = await uncachedReader(table, resources)
  const planner = service.open('reader', { poolSize: 1 })
  resources.defer(() => planner.close())
  const randomIds = (count: number) =>
    Array.from({ length: count }, () => idOf(table, Math.floor(Math.random() * table.rows)))
  const pagePaths = pathsOfPages(layout, pages)
  const left = topics.values()
  return {
    get: () =>
      answers(
        table,
        reader,
        randomIds(gets).map(id => `/data/${id}`),
        16,
      ),
    // One after the other: callers who ask for one page at the same time share it.
    page: () => answers(table, reader, pagePaths, 1),
    plan: () =>
      timed(
        () => cpuOfTree(pidOf(postgres)),
        plans,
        async () => {
          for (const id of randomIds(plans)) {
            const { text, values = [] } = recordStatement(id)
            await planner.query({ text: `EXPLAIN ${text}`, values })
          }
        },
      ),
    insert: async () => {
      const topic = left.next().value
      if (topic === undefined) throw new Error('there are no new records left')
      const before = Number(await one(service, layouts[layout].newRows))
      const sample = await storeLog(
        postgres,
        service,
        { brokers, topic, records, distinct: records },
        warmUpRows,
      )
      const added = Number(await one(service, layouts[layout].newRows)) - before
      if (added !== records) throw new Error(`${added} rows were added for ${records} records`)
      return sample
    },
  }
}

function pathsOfPages(layout: Layout, pages: number): string[] {
  // A page that is only reported takes as long as twenty others.
  const asked = reports.has(`growth-${layout}-page`) ? pages / 5 : pages
  return Array.from({ length: asked }, (_, n) => `/data?status=${statuses[n % statuses.length]}&limit=100`)
}

/** Asks for each path once, over some connections. */
async function answers(
  { postgres }: GrownTable,
  { url, pid, headers }: Reader,
  paths: readonly string[],
  connections: number,
): Promise<Sample> {
  const cpu = () => cpuOf(pid) + cpuOfTree(pidOf(postgres))
  return timed(cpu, paths.length, () => getEach({ url, paths, headers, requests: paths.length, connections }))
}

interface Reader extends Server {
  headers: Readonly<Record<string, string>>
}

/** Without a memory of its own, and nobody listens where its Redis should be. */
async function uncachedReader({ service }: GrownTable, resources: AsyncDisposableStack): Promise<Reader> {
  const key = randomBytes(32).toString('hex')
  const redis = { host: '127.0.0.1', port: await freePort() }
  const reader = await startReader({ service, redis, key }, resources, 0)
  return { url: reader.url, pid: reader.pid, headers: { authorization: bearer(innerKey(key)) } }
}

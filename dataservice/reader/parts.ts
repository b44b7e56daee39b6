/** The parts of a reader, put together. */
import type { KeyObject } from 'node:crypto'
import type { Registry } from 'prom-client'
import type { AcceptedRecord } from '#dataservice/contract/record-declaration.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { tableKind, timedTable } from '#dataservice/platform/postgres/partitions.ts'
import type { Reads } from '#dataservice/platform/postgres/reads.ts'
import type { Cache } from '#dataservice/platform/redis/cache.ts'
import { liftingTo } from '#dataservice/record/lifting.ts'
import type { ReaderPorts } from './app.ts'
import { changingCaching, recordCaching } from './conditional.ts'
import { Exporter } from './export.ts'
import { History } from './history.ts'
import { IndexReadiness } from './index-readiness.ts'
import { LocalCache } from './local-cache.ts'
import { Lookup } from './lookup.ts'
import { readerMetrics } from './metrics.ts'
import { OneRow } from './one-row.ts'
import { Outcomes } from './outcomes.ts'
import { Pages } from './pages.ts'
import { storedProbes } from './probing/stored.ts'
import { rowLifting } from './row-lifting.ts'
import { spotOf } from './spots.ts'
import { openStore } from './store.ts'

export interface ReaderAdapters {
  /** As the reader, at the replica or wherever reads go. */
  database: Reads
  /** The primary, where `database` asks a replica first. */
  primary?: Reads
  cache: Cache
}

export interface ReaderOptions extends ReaderAdapters {
  settings: Pick<Settings, 'record' | 'log' | 'partitioning' | 'cache'>
  record: Pick<AcceptedRecord, 'indexes' | 'keyPath' | 'versions'>
  /** Signs cursors, opens consistency tokens. */
  key: KeyObject
  metrics: Registry
  /** Milliseconds since 1970. */
  now(): number
}

/** Memory for answers, out of the 512Mi of a pod. */
const localBytes = 48 * 1024 * 1024

export function readerPorts(options: ReaderOptions): ReaderPorts {
  const { settings, record, database, primary, cache, key, now } = options
  const by = tableKind(settings.partitioning)
  const store = openStore({ reads: database, ...(primary && { primary }), topic: settings.log.eventsTopic })
  const lifting = rowLifting(liftingTo(record.versions))
  const timed = by === 'Time' ? timedTable(settings.partitioning) : undefined
  const interval = timed && { interval: timed.interval }
  const pages = new Pages({ store, by, ...interval, cursorKey: key, now, lifting })
  const local = new LocalCache(settings.cache.localBytes ?? localBytes)
  const exporter = new Exporter({ pages, store, columns: membersOf(settings.record.schema) })
  const metrics = readerMetrics(options.metrics, { database, local, exporter })
  const recordTtlMs = settings.cache.ttlSeconds * 1_000
  const oneRow = new OneRow(store, spotOf(settings.partitioning))
  const lookup = new Lookup({ store, oneRow, pages, lifting, cache, local, by, recordTtlMs, metrics, now })
  const outcomes = new Outcomes({ store, topic: settings.log.eventsTopic, by, now })
  const { indexes, keyPath } = record
  return {
    lookup,
    exporter,
    indexes: new IndexReadiness({ store, indexes, now: () => performance.now() }),
    outcomes,
    probes: ask => storedProbes(store, ask),
    ...(by === 'Upsert' && { history: new History(store, lifting) }),
    caching: by === 'Upsert' ? changingCaching : recordCaching,
    place: { indexes, ...(keyPath && { keyPath }) },
    tokenKey: key,
  }
}

/** Names of the members that a schema declares. */
function membersOf({ properties }: Readonly<Record<string, unknown>>): string[] {
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : []
}

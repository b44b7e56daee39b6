/** What the reader measures beyond its routes. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Database } from '#dataservice/platform/postgres/database.ts'

/** What was asked for, and where it was found: in memory, in the shared cache, or not. */
export type CacheKind = 'record' | 'part' | 'page'
export type CacheResult = 'local' | 'hit' | 'miss' | 'away'

export interface ReaderMetrics {
  countCache(kind: CacheKind, result: CacheResult): void
}

export interface Measured {
  database: Pick<Database, 'busy' | 'waiting'>
  local: { readonly bytes: number }
  exporter: { readonly open: number }
}

export function readerMetrics(registry: Registry, { database, local, exporter }: Measured): ReaderMetrics {
  const registers = [registry]
  const connections = new Gauge({
    name: 'dataservice_reader_connections',
    help: 'Connections to Postgres in use, and callers that wait for one.',
    labelNames: ['state'],
    registers,
    collect() {
      connections.set({ state: 'busy' }, database.busy)
      connections.set({ state: 'waiting' }, database.waiting)
    },
  })
  const memory = new Gauge({
    name: 'dataservice_reader_local_cache_bytes',
    help: 'Answers that this pod keeps in its own memory.',
    registers,
    collect() {
      memory.set(local.bytes)
    },
  })
  const exports = new Gauge({
    name: 'dataservice_reader_exports',
    help: 'Exports under way.',
    registers,
    collect() {
      exports.set(exporter.open)
    },
  })
  return { countCache: cacheCounter(registry) }
}

/** Counts without a look at labels, which would cost more than finding an answer in memory: added up when asked for. */
function cacheCounter(registry: Registry): ReaderMetrics['countCache'] {
  const counted = new Map<CacheKind, Map<CacheResult, number>>([
    ['record', new Map()],
    ['part', new Map()],
    ['page', new Map()],
  ])
  const counter = new Counter({
    name: 'dataservice_reader_cache_requests_total',
    help: 'Questions to the caches: local (found in memory), hit, miss and away (the shared one).',
    labelNames: ['kind', 'result'],
    registers: [registry],
    collect() {
      counter.reset()
      for (const [kind, results] of counted)
        for (const [result, value] of results) counter.inc({ kind, result }, value)
    },
  })
  return (kind, result) => {
    const results = counted.get(kind)
    results?.set(result, (results.get(result) ?? 0) + 1)
  }
}

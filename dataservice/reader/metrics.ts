/** What the reader measures beyond its routes. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Database } from '#dataservice/platform/postgres/database.ts'

export interface ReaderMetrics {
  /** By kind (record, page) and result (hit, miss, away). */
  cache: Counter<'kind' | 'result'>
}

export function readerMetrics(
  registry: Registry,
  database: Pick<Database, 'busy' | 'waiting'>,
): ReaderMetrics {
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
  return {
    cache: new Counter({
      name: 'dataservice_reader_cache_requests_total',
      help: 'Questions to the cache.',
      labelNames: ['kind', 'result'],
      registers,
    }),
  }
}

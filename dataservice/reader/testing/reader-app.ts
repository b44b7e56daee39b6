/** A reader over a real Postgres and Redis, driven without a port. */
import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { onTestFinished } from 'vitest'
import { makeServer } from '#dataservice/platform/http/server.ts'
import type { DatabaseOptions } from '#dataservice/platform/postgres/database.ts'
import type { Reads } from '#dataservice/platform/postgres/reads.ts'
import { openCache } from '#dataservice/platform/redis/cache.ts'
import type { RedisAddresses } from '#dataservice/platform/redis/connection.ts'
import { signingKey } from '#dataservice/record/signing-key.ts'
import { engines } from '#e2e/engines/inject.ts'
import type { MigratedService } from '#e2e/engines/migrated-database.ts'
import { reader } from '../app.ts'
import { readerPorts } from '../parts.ts'

const log = pino({ level: 'silent' })
export const testKey = signingKey(randomBytes(32).toString('hex'))

export interface TestReaderOptions {
  redis?: RedisAddresses
  prefix?: string
  database?: Partial<DatabaseOptions>
  /** Stands between the reader and its database. */
  between?: (reads: Reads) => Reads
  primary?: Reads
  /** 0: no memory of its own. */
  localBytes?: number
  /** The wall clock; default: that of this machine. */
  now?: () => number
}

export async function openReader(service: MigratedService, options: TestReaderOptions = {}) {
  const metrics = new Registry()
  const opened = service.open('reader', options.database)
  const database = options.between?.(opened) ?? opened
  const prefix = options.prefix ?? `${randomBytes(6).toString('hex')}:`
  const cache = openCache({ ...(options.redis ?? engines().redis), prefix, log })
  const { localBytes } = options
  const settings = {
    ...service.settings,
    cache: { ...service.settings.cache, ...(localBytes !== undefined && { localBytes }) },
  }
  const { app } = makeServer({ log, metrics })
  const ports = readerPorts({
    settings,
    record: service.record,
    database,
    ...(options.primary && { primary: options.primary }),
    cache,
    key: testKey,
    metrics,
    now: options.now ?? Date.now,
  })
  await app.register(reader, ports)
  onTestFinished(async () => {
    await app.close()
    await cache.close()
    await opened.close()
  })
  return {
    app,
    cache,
    get: (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers }),
    /** Questions to the caches so far. */
    async cached(): Promise<Record<string, number>> {
      const metric = await metrics.getSingleMetric('dataservice_reader_cache_requests_total')?.get()
      return Object.fromEntries(
        (metric?.values ?? []).map(({ labels, value }) => [`${labels['kind']} ${labels['result']}`, value]),
      )
    },
  }
}

/** Counts the statements that pass. */
export function counting(): { between: (reads: Reads) => Reads; count: () => number } {
  let count = 0
  return {
    count: () => count,
    between: reads => ({
      get busy() {
        return reads.busy
      },
      get waiting() {
        return reads.waiting
      },
      query(...question) {
        count += 1
        return reads.query(...question)
      },
    }),
  }
}

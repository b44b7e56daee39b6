/** The role `reader`: answers questions about stored records. */
import { credentialFiles } from '#dataservice/contract/names.ts'
import { makeServer } from '#dataservice/platform/http/server.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import type { Reads } from '#dataservice/platform/postgres/reads.ts'
import type { Cache } from '#dataservice/platform/redis/cache.ts'
import { reader } from './app.ts'
import { Lookup } from './lookup.ts'
import { readerMetrics } from './metrics.ts'

export interface ReaderRolePorts {
  /** As the reader, at the replica or wherever reads go. */
  database: Reads
  cache: Cache
  listen: { port: number; host?: string }
}

const keyPattern = /^[0-9a-f]{64}$/i

export async function start(
  context: RoleContext,
  { database, cache, listen }: ReaderRolePorts,
): Promise<Running> {
  const { settings, record, log, metrics } = context
  const lookup = new Lookup({
    database,
    cache,
    by: settings.partitioning.by,
    recordTtlMs: settings.cache.ttlSeconds * 1_000,
    cursorKey: cursorKey(context.credential(credentialFiles.cursorKey)),
    metrics: readerMetrics(metrics, database),
    now: Date.now,
  })
  const { app, listen: serve, drain } = makeServer({ log, metrics })
  await app.register(reader, { lookup, indexes: record.indexes })
  await serve(listen)
  return {
    notReady: () => undefined,
    behindService: true,
    drain,
    stop: () => app.close(),
    done: new Promise(() => {}),
  }
}

function cursorKey(text: string): Buffer {
  if (!keyPattern.test(text)) throw new Error(`${credentialFiles.cursorKey} must be 32 bytes in hex`)
  return Buffer.from(text, 'hex')
}

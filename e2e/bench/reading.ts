/** Records in a table and in Redis, readers over them, and what asks for the records. */
import { randomBytes } from 'node:crypto'
import { Redis as Client } from 'ioredis'
import { credentialFiles } from '#dataservice/contract/names.ts'
import { bearer, innerKey } from '#dataservice/platform/http/inner-key.ts'
import { type RoleProcess, startRole } from '#dataservice/testing/role-process.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { startPostgres } from '#e2e/engines/postgres.ts'
import { type Redis, startRedis } from '#e2e/engines/redis.ts'
import type { Contender, Size } from './contest.ts'
import { type Gets, get } from './load.ts'
import { measured } from './measured.ts'
import { type Server, startPeer } from './peer.ts'
import { ready } from './ready.ts'
import { fill, newestIds } from './stored-rows.ts'

export type GetLoad = Omit<Gets, 'url'>

/** What a reader stands on. */
interface ReaderParts {
  service: MigratedService
  redis: Pick<Redis, 'host' | 'port'>
  /** What gateways and readers share. */
  key: string
}

export interface StoredRecords extends ReaderParts {
  /** Asks the reader for one after the other. */
  load: GetLoad
}

const requests: Readonly<Record<Size, number>> = { smoke: 50_000, full: 200_000 }
const connections = 64
/** So many that callers at the same time rarely ask for the same one. */
const records = 1_000
/** Longer than any run. */
const ttlSeconds = 86_400

export async function storeRecords(size: Size, resources: AsyncDisposableStack): Promise<StoredRecords> {
  const postgres = await startPostgres()
  resources.defer(() => postgres.remove())
  const redis = await startRedis()
  resources.defer(() => redis.remove())
  const service = await migratedService(postgres.address)
  await fill(service, records)
  const paths = (await newestIds(service, records)).map(id => `/data/${id}`)
  const key = randomBytes(32).toString('hex')
  const headers = { authorization: bearer(innerKey(key)) }
  return { service, redis, key, load: { paths, headers, requests: requests[size], connections } }
}

/** `localBytes`: of the reader's own memory, by default as in production. */
export async function startReader(
  { service, redis, key }: ReaderParts,
  resources: AsyncDisposableStack,
  localBytes?: number,
): Promise<RoleProcess> {
  const { host, port } = redis
  const cache = { host, port, ttlSeconds, ...(localBytes !== undefined && { localBytes }) }
  const credentials = {
    [credentialFiles.postgresPassword]: service.password('reader'),
    [credentialFiles.redisPassword]: '',
    [credentialFiles.cursorKey]: key,
  }
  const reader = await startRole('reader', { ...service.settings, cache }, { credentials })
  resources.defer(() => reader.remove())
  await ready(reader)
  return reader
}

/** The first record as a reader answers it. */
export async function firstAnswer({ url }: Server, { paths, headers }: GetLoad): Promise<string> {
  return (await fetch(`${url}${paths[0]}`, { headers })).text()
}

/** Puts one value under the paths of all records, for a peer that knows no keys but URLs. */
export async function putIntoRedis({ redis, load }: StoredRecords, value: string): Promise<void> {
  const client = new Client({ host: redis.host, port: redis.port })
  await client.mset(Object.fromEntries(load.paths.map(path => [path, value])))
  await client.quit()
}

/** A Fastify that sends a buffer, out of its own memory (`BODY`) or out of Redis (`REDIS_PORT`). */
export async function bufferPeer(
  version: string,
  environment: Readonly<Record<string, string>>,
  load: GetLoad,
  resources: AsyncDisposableStack,
): Promise<Contender> {
  const { url, pid } = await startPeer('fastify-buffer.ts', environment, resources)
  return { version, round: () => measured([pid], load.requests, () => get({ url, ...load })) }
}

/** Where an answer comes from, as who answers counts it. */
export interface Source {
  role: RoleProcess
  metric: string
}

/** The memory of the reader (`local`) or Redis (`hit`). */
export const cacheOf = (role: RoleProcess, result: 'local' | 'hit'): Source => ({
  role,
  metric: `dataservice_reader_cache_requests_total{kind="record",result="${result}"}`,
})

export const memoryOfGateway = (role: RoleProcess): Source => ({
  role,
  metric: 'dataservice_gateway_kept_answers_total{what="given"}',
})

/**
 * Asks a server for records that should come from this source; the CPU of all `pids` counts. A round in which they come
 * from elsewhere does not count.
 */
export function found(
  { url, pids }: { url: string; pids: readonly number[] },
  source: Source,
  load: GetLoad,
): () => ReturnType<Contender['round']> {
  return async () => {
    const before = await foundIn(source)
    const sample = await measured(pids, load.requests, () => get({ url, ...load }))
    const added = (await foundIn(source)) - before
    if (added < 0.9 * load.requests)
      throw new Error(`only ${added} of ${load.requests} answers came from ${source.metric}`)
    return sample
  }
}

async function foundIn({ role, metric }: Source): Promise<number> {
  const text = (await role.metrics()).split('\n').find(line => line.startsWith(`${metric} `))
  return Number(text?.slice(metric.length) ?? 0)
}

/** A reader that has the answer at hand, against a Fastify that sends a buffer: out of memory, and out of Redis. */
import { randomBytes } from 'node:crypto'
import fastifyPackage from 'fastify/package.json' with { type: 'json' }
import { Redis as Client } from 'ioredis'
import redisPackage from 'ioredis/package.json' with { type: 'json' }
import { credentialFiles } from '#dataservice/contract/names.ts'
import { bearer, innerKey } from '#dataservice/platform/http/inner-key.ts'
import { type RoleProcess, startRole } from '#dataservice/testing/role-process.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { startPostgres } from '#e2e/engines/postgres.ts'
import { type Redis, startRedis } from '#e2e/engines/redis.ts'
import type { Contender, Contest, Sample, Size } from './contest.ts'
import { cpuOf } from './cpu.ts'
import { type Gets, get } from './load.ts'
import { type Server, startPeer } from './peer.ts'
import { ready } from './ready.ts'
import { fill, newestIds } from './stored-rows.ts'

const requests: Readonly<Record<Size, number>> = { smoke: 50_000, full: 200_000 }
const connections = 64
/** So many that callers at the same time rarely ask for the same one. */
const records = 1_000
type Load = Omit<Gets, 'url'>

/** Longer than any run. */
const ttlSeconds = 86_400

export async function readerHitBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const postgres = await startPostgres()
  resources.defer(() => postgres.remove())
  const redis = await startRedis()
  resources.defer(() => redis.remove())
  const service = await migratedService(postgres.address)
  await fill(service, records)
  const paths = (await newestIds(service, records)).map(id => `/data/${id}`)
  const key = randomBytes(32).toString('hex')
  const memory = await startReader({ service, redis, key, resources })
  const shared = await startReader({ service, redis, key, resources, localBytes: 0 })
  const headers = { authorization: bearer(innerKey(key)) }
  const load: Load = { paths, headers, requests: requests[size], connections }
  const body = await (await fetch(`${memory.url}${paths[0]}`, { headers })).text()
  await putInto(redis, paths, body)
  const fastify = `fastify ${fastifyPackage.version}`
  const metric = 'CPU µs of the server for each request'
  return [
    {
      name: 'reader-hit-memory',
      metric,
      gate: 0.85,
      ours: { version: 'reader', round: () => hits(memory, load, 'local') },
      peer: await peerOf(`${fastify} that sends a buffer`, { BODY: body }, load, resources),
    },
    {
      name: 'reader-hit-redis',
      metric,
      gate: 0.95,
      ours: { version: 'reader', round: () => hits(shared, load, 'hit') },
      peer: await peerOf(
        `${fastify} and ioredis ${redisPackage.version}`,
        { REDIS_PORT: String(redis.port) },
        load,
        resources,
      ),
    },
  ]
}

interface ReaderParts {
  service: MigratedService
  redis: Redis
  /** What gateways and readers share. */
  key: string
  resources: AsyncDisposableStack
  localBytes?: number
}

async function startReader({
  service,
  redis,
  key,
  resources,
  localBytes,
}: ReaderParts): Promise<RoleProcess> {
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

async function putInto({ host, port }: Redis, keys: readonly string[], value: string): Promise<void> {
  const redis = new Client({ host, port })
  await redis.mset(Object.fromEntries(keys.map(key => [key, value])))
  await redis.quit()
}

async function measured({ url, pid }: Server, load: Load): Promise<Sample> {
  const before = { cpu: cpuOf(pid), at: performance.now() }
  await get({ url, ...load })
  return {
    operations: load.requests,
    cpuSeconds: cpuOf(pid) - before.cpu,
    wallSeconds: (performance.now() - before.at) / 1000,
  }
}

/** What was not found where it should be does not count. In the first round it may be missing yet. */
async function hits(reader: RoleProcess, load: Load, where: 'local' | 'hit'): Promise<Sample> {
  const before = await found(reader, where)
  const sample = await measured(reader, load)
  const added = (await found(reader, where)) - before
  if (added < 0.9 * load.requests)
    throw new Error(`only ${added} of ${load.requests} records were found (${where})`)
  return sample
}

async function found(reader: RoleProcess, where: string): Promise<number> {
  const line = `dataservice_reader_cache_requests_total{kind="record",result="${where}"} `
  const text = (await reader.metrics()).split('\n').find(each => each.startsWith(line))
  return Number(text?.slice(line.length) ?? 0)
}

async function peerOf(
  version: string,
  environment: Readonly<Record<string, string>>,
  load: Load,
  resources: AsyncDisposableStack,
): Promise<Contender> {
  const peer = await startPeer('fastify-buffer.ts', environment, resources)
  return { version, round: () => measured(peer, load) }
}

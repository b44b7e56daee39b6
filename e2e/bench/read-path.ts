/** A cached record through gateway and reader, and one that the gateway has itself, against a Fastify that asks Redis. */
import { versions } from '#tools/versions.ts'
import type { Contest, Size } from './contest.ts'
import { startGateway, startLog } from './posting.ts'
import {
  bufferPeer,
  cacheOf,
  firstAnswer,
  found,
  memoryOfGateway,
  putIntoRedis,
  startReader,
  storeRecords,
} from './reading.ts'

const { fastify, ioredis } = versions

export async function readPathBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const stored = await storeRecords(size, resources)
  const { key, redis } = stored
  const log = await startLog(resources) // the gateway wants one, also when nobody posts
  const reader = await startReader(stored, resources)
  const passing = await startGateway(log, resources, { key, reader, localBytes: 0 })
  const keeping = await startGateway(log, resources, { key, reader })
  await putIntoRedis(stored, await firstAnswer(reader, stored.load))
  const load = { ...stored.load, headers: {} } // a client knows nothing of the key between the two
  const version = `fastify ${fastify} and ioredis ${ioredis}`
  const peer = await bufferPeer(version, { REDIS_PORT: String(redis.port) }, load, resources)
  const contest = (
    name: string,
    gateway: typeof passing,
    source: ReturnType<typeof cacheOf>,
    gate: number,
  ) => ({
    name,
    metric: 'CPU µs of the servers for each request',
    gate,
    ours: {
      version: 'gateway and reader',
      round: found({ url: gateway.url, pids: [gateway.pid, reader.pid] }, source, load),
    },
    peer,
  })
  return [
    contest('read-path', passing, cacheOf(reader, 'local'), 0.35),
    contest('read-path-hot', keeping, memoryOfGateway(keeping), 0.7),
  ]
}

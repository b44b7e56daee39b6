/** A reader that has the answer at hand, against a Fastify that sends a buffer: out of memory, and out of Redis. */
import { versions } from '#tools/versions.ts'
import type { Contest, Size } from './contest.ts'
import {
  bufferPeer,
  cacheOf,
  firstAnswer,
  found,
  putIntoRedis,
  startReader,
  storeRecords,
} from './reading.ts'

const { fastify, ioredis } = versions

export async function readerHitBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const stored = await storeRecords(size, resources)
  const { load, redis } = stored
  const memory = await startReader(stored, resources)
  const shared = await startReader(stored, resources, 0)
  const body = await firstAnswer(memory, load)
  await putIntoRedis(stored, body)
  const metric = 'CPU µs of the server for each request'
  const ours = (reader: typeof memory, where: 'local' | 'hit') => ({
    version: 'reader',
    round: found({ url: reader.url, pids: [reader.pid] }, cacheOf(reader, where), load),
  })
  const fromMemory = `fastify ${fastify} that sends a buffer`
  const fromRedis = `fastify ${fastify} and ioredis ${ioredis}`
  return [
    {
      name: 'reader-hit-memory',
      metric,
      gate: 0.85,
      ours: ours(memory, 'local'),
      peer: await bufferPeer(fromMemory, { BODY: body }, load, resources),
    },
    {
      name: 'reader-hit-redis',
      metric,
      gate: 0.95,
      ours: ours(shared, 'hit'),
      peer: await bufferPeer(fromRedis, { REDIS_PORT: String(redis.port) }, load, resources),
    },
  ]
}

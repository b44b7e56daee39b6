/** A cached record through gateway and reader, against a Fastify that asks Redis itself. */
import { versions } from '#tools/versions.ts'
import type { Contest, Size } from './contest.ts'
import { startGateway, startLog } from './posting.ts'
import { bufferPeer, firstAnswer, found, putIntoRedis, startReader, storeRecords } from './reading.ts'

const { fastify, ioredis } = versions

export async function readPathBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const stored = await storeRecords(size, resources)
  const { key, redis } = stored
  const log = await startLog(resources) // the gateway wants one, also when nobody posts
  const reader = await startReader(stored, resources)
  const gateway = await startGateway(log, resources, { key, reader })
  await putIntoRedis(stored, await firstAnswer(reader, stored.load))
  const load = { ...stored.load, headers: {} } // a client knows nothing of the key between the two
  const pids = [gateway.pid, reader.pid]
  const version = `fastify ${fastify} and ioredis ${ioredis}`
  return [
    {
      name: 'read-path',
      metric: 'CPU µs of the servers for each request',
      gate: 0.35,
      ours: {
        version: 'gateway and reader',
        round: found({ url: gateway.url, pids }, { reader, where: 'local' }, load),
      },
      peer: await bufferPeer(version, { REDIS_PORT: String(redis.port) }, load, resources),
    },
  ]
}

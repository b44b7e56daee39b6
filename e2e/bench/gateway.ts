/** The gateway with a real log behind it, against the same Fastify that sends nothing. */
import { versions } from '#tools/versions.ts'
import type { Contest, Size } from './contest.ts'
import { startPeer } from './peer.ts'
import { keptIn, posted, postsOf, startGateway, startLog } from './posting.ts'

const sizes = [256, 1024] as const

export async function gatewayBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const log = await startLog(resources)
  const ours = await startGateway(log, resources)
  const peer = await startPeer('fastify-202.ts', {}, resources)
  return sizes.map(bytes => {
    const load = postsOf(bytes, size)
    return {
      name: `gateway-${bytes}`,
      metric: 'CPU µs of the server for each request',
      gate: 0.75,
      ours: keptIn(log, posted(ours, load, 'gateway')),
      peer: posted(peer, load, `fastify ${versions.fastify} that sends nothing`),
    }
  })
}

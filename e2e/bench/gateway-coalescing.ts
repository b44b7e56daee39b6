/** What it saves to send records together: the gateway against the same Fastify with one `send` for each request. */
import { versions } from '#tools/versions.ts'
import type { ClientName } from './clients/clients.ts'
import type { Contest, Size } from './contest.ts'
import { startPeer } from './peer.ts'
import { keptIn, partitions, posted, postsOf, startGateway, startLog } from './posting.ts'

interface Peer {
  client: ClientName & keyof typeof versions
  gate: number
}

const peers: Readonly<Record<string, Peer>> = {
  'gateway-coalescing': { client: 'kafkajs', gate: 2.5 },
  // A send of this one costs less, so there is less to save.
  'gateway-coalescing-platformatic': { client: '@platformatic/kafka', gate: 2 },
}

export async function gatewayCoalescingBench(
  size: Size,
  resources: AsyncDisposableStack,
): Promise<Contest[]> {
  const log = await startLog(resources)
  const gateway = await startGateway(log, resources)
  const load = postsOf(256, size)
  const ours = keptIn(log, posted(gateway, load, 'gateway'))
  return Promise.all(
    Object.entries(peers).map(async ([name, { client, gate }]) => {
      const environment = {
        CLIENT: client,
        BROKERS: log.brokers.join(','),
        TOPIC: log.topic,
        PARTITIONS: String(partitions),
      }
      const peer = await startPeer('fastify-send.ts', environment, resources)
      const each = posted(peer, load, `fastify, one send of ${client} ${versions[client]} for each request`)
      return {
        name,
        metric: 'CPU µs of the server for each request',
        gate,
        ours,
        peer: keptIn(log, each),
      }
    }),
  )
}

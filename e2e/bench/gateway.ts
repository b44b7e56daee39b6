/** The gateway with a real log behind it, against the same Fastify that sends nothing. */
import fastifyPackage from 'fastify/package.json' with { type: 'json' }
import { credentialFiles } from '#dataservice/contract/names.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { startKafka } from '#e2e/engines/kafka.ts'
import { noStore, testSettings } from '#e2e/engines/service-settings.ts'
import type { Contender, Contest, Size } from './contest.ts'
import { cpuOf } from './cpu.ts'
import { post } from './load.ts'
import { type Server, startPeer } from './peer.ts'
import { ready } from './ready.ts'
import { order } from './records.ts'

const requests: Readonly<Record<Size, number>> = { smoke: 50_000, full: 200_000 }
/** 10,000 requests/s that take 25 ms each. */
const connections = 256
const sizes = [256, 1024] as const

export async function gatewayBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const kafka = await startKafka({ brokers: 1 })
  resources.defer(() => kafka.remove())
  const topics = await connectTopics(kafka.bootstrapServers)
  resources.defer(() => topics.close())
  const topic = await topics.create([[0], [0], [0]])
  const ours = await startGateway(kafka.bootstrapServers, topic, resources)
  const peer = await startPeer('fastify-202.ts', {}, resources)
  const held = async () => (await topics.counts(topic)).reduce((sum, count) => sum + count, 0)
  return sizes.map(bytes => {
    const bodies = Array.from({ length: 100 }, (_, number) => order(number, bytes))
    const load = { bodies, requests: requests[size], connections }
    return {
      name: `gateway-${bytes}`,
      metric: 'CPU µs of the server for each request',
      gate: 0.75,
      ours: {
        version: 'gateway',
        async round() {
          const before = await held()
          const sample = await measured(ours, load).round()
          const added = (await held()) - before
          if (added !== load.requests)
            throw new Error(`${added} records stand in the log for ${load.requests} 202s`)
          return sample
        },
      },
      peer: measured(peer, load),
    }
  })
}

const measured = (
  { url, pid }: Server,
  load: { bodies: string[]; requests: number; connections: number },
): Contender => ({
  version: `fastify ${fastifyPackage.version} that sends nothing`,
  async round() {
    const before = { cpu: cpuOf(pid), at: performance.now() }
    await post({ url, ...load })
    return {
      operations: load.requests,
      cpuSeconds: cpuOf(pid) - before.cpu,
      wallSeconds: (performance.now() - before.at) / 1000,
    }
  },
})

async function startGateway(
  brokers: string[],
  eventsTopic: string,
  resources: AsyncDisposableStack,
): Promise<Server> {
  const settings = testSettings(noStore)
  const gateway = await startRole(
    'gateway',
    { ...settings, log: { ...settings.log, brokers, eventsTopic } },
    { credentials: { [credentialFiles.redisPassword]: '' } },
  )
  resources.defer(() => gateway.remove())
  await ready(gateway)
  return gateway
}

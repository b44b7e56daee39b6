/** Servers that take single records into a real log: one broker, acks=all. */
import { credentialFiles } from '#dataservice/contract/names.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import { type RoleProcess, startRole } from '#dataservice/testing/role-process.ts'
import { startKafka } from '#e2e/engines/kafka.ts'
import { noStore, testSettings } from '#e2e/engines/service-settings.ts'
import type { Contender, Size } from './contest.ts'
import { post } from './load.ts'
import { measured } from './measured.ts'
import type { Server } from './peer.ts'
import { ready } from './ready.ts'
import { order } from './records.ts'

export interface Log {
  brokers: string[]
  topic: string
  /** Records in it. */
  held(): Promise<number>
}

export interface PostLoad {
  bodies: readonly string[]
  requests: number
  connections: number
}

const requests: Readonly<Record<Size, number>> = { smoke: 50_000, full: 200_000 }
/** 10,000 requests/s that take 25 ms each. */
const connections = 256
/** Of the topic. */
export const partitions = 3

/** Orders of about so many bytes. */
export const postsOf = (bytes: number, size: Size): PostLoad => ({
  bodies: Array.from({ length: 100 }, (_, number) => order(number, bytes)),
  requests: requests[size],
  connections,
})

/** A broker with an empty topic. */
export async function startLog(resources: AsyncDisposableStack): Promise<Log> {
  const kafka = await startKafka({ brokers: 1 })
  resources.defer(() => kafka.remove())
  const topics = await connectTopics(kafka.bootstrapServers)
  resources.defer(() => topics.close())
  const topic = await topics.create(Array.from({ length: partitions }, () => [0]))
  const held = async () => (await topics.counts(topic)).reduce((sum, count) => sum + count, 0)
  return { brokers: kafka.bootstrapServers, topic, held }
}

/** What a gateway has beside its log. */
interface Behind {
  /** What gateways and readers share. */
  key: string
  reader: { url: string }
  /** Of answers in the gateway's own memory; default: as in production. */
  localBytes?: number
}

/** Open to everybody; without `behind` nobody answers its questions. */
export async function startGateway(
  { brokers, topic: eventsTopic }: Pick<Log, 'brokers' | 'topic'>,
  resources: AsyncDisposableStack,
  behind?: Behind,
): Promise<RoleProcess> {
  const settings = testSettings(noStore, behind && { reader: { url: behind.reader.url } })
  const cache = {
    ...settings.cache,
    ...(behind?.localBytes !== undefined && { localBytes: behind.localBytes }),
  }
  const key = behind && { [credentialFiles.cursorKey]: behind.key }
  const gateway = await startRole(
    'gateway',
    { ...settings, cache, log: { ...settings.log, brokers, eventsTopic } },
    { credentials: { [credentialFiles.redisPassword]: '', ...key } },
  )
  resources.defer(() => gateway.remove())
  await ready(gateway)
  return gateway
}

/** Posts to a server; what it costs is its CPU. */
export const posted = ({ url, pid }: Server, load: PostLoad, version: string): Contender => ({
  version,
  round: () => measured([pid], load.requests, () => post({ url, ...load })),
})

/** Counts a round only when the log has as many records more as there were 202s. */
export const keptIn = ({ held }: Log, { version, round }: Contender): Contender => ({
  version,
  async round() {
    const before = await held()
    const sample = await round()
    const added = (await held()) - before
    if (added !== sample.operations)
      throw new Error(`${added} records stand in the log for ${sample.operations} 202s`)
    return sample
  },
})

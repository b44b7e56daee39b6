/** Three real brokers, each behind a proxy that a test can make fail. */
import { type Kafka, startKafka } from '#e2e/engines/kafka.ts'
import type { NewRecord } from '../port.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { connectTopics, type Topics } from './topics.ts'

export interface ContractCluster {
  kafka: Kafka
  proxy: FaultProxy
  topics: Topics
  close(): Promise<void>
}

const settings = {
  // A lone replica may write: the scenarios that move leaders need not wait for followers.
  'min.insync.replicas': '1',
  // The test of a lost session need not wait ten seconds.
  'group.min.session.timeout.ms': '1000',
}

export async function startContractCluster(): Promise<ContractCluster> {
  const kafka = await startKafka({ brokers: 3, settings })
  const proxy = await startFaultProxy(kafka.bootstrapServers)
  const topics = await connectTopics(kafka.bootstrapServers)
  return {
    kafka,
    proxy,
    topics,
    async close() {
      await topics.close()
      await proxy.close()
      await kafka.remove()
    },
  }
}

export const record = (key: string, value = key): NewRecord => ({
  key: Buffer.from(key),
  value: Buffer.from(value),
  headers: { ce_id: key },
})

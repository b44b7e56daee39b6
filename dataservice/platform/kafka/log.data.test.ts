/** The contract of the port, on three real brokers. */
import { afterAll, afterEach, beforeAll, describe, onTestFinished } from 'vitest'
import { createAppender } from './appender.ts'
import { createLogReader } from './log-reader.ts'
import { acksContract } from './testing/acks-contract.ts'
import { appendOracle } from './testing/append-oracle.ts'
import { appenderContract } from './testing/appender-contract.ts'
import { consumerContract } from './testing/consumer-contract.ts'
import { type ContractCluster, record, startContractCluster } from './testing/contract-cluster.ts'
import { logReaderContract } from './testing/log-reader-contract.ts'

let cluster: ContractCluster

beforeAll(async () => {
  cluster = await startContractCluster()
})
afterEach(() => cluster.proxy.intercept())
afterAll(() => cluster.close())

describe('appending', () => appenderContract(() => cluster))
describe('appending with less than acks=all', () => acksContract(() => cluster))
describe('appending under random faults', () => appendOracle(() => cluster))
describe('consuming', () => consumerContract(() => cluster))
describe('reading from any offset', () =>
  logReaderContract(async () => {
    const { topics, kafka } = cluster
    const topic = await topics.create([[0]])
    const appender = await createAppender({ brokers: kafka.bootstrapServers, topic, clientId: 'append' })
    onTestFinished(() => appender.close())
    return {
      reader: createLogReader({ brokers: kafka.bootstrapServers, topic, clientId: 'read' }),
      async append(partition, values) {
        await appender.append(new Map([[partition, values.map(value => record('k', value))]]))
      },
      deleteBelow: (partition, offset) => topics.deleteBelow(topic, partition, Number(offset)),
      replace: () => topics.replace(topic),
    }
  }))

/** The contract of the port, on three real brokers. */
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
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

test('a read from any offset brings some MiB of records, however well they were packed', async () => {
  const { topics, kafka } = cluster
  const topic = await topics.create([[0]])
  const brokers = kafka.bootstrapServers
  const appender = await createAppender({ brokers, topic, clientId: 'append' })
  const reader = createLogReader({ brokers, topic, clientId: 'read' })
  onTestFinished(async () => {
    await Promise.all([appender.close(), reader.close()])
  })
  const one = record('k', 'x'.repeat(900_000))
  for (let count = 0; count < 12; count++) await appender.append(new Map([[0, [one]]]))
  const { signal } = new AbortController()
  const { id } = await reader.topic(signal)
  const ends: bigint[] = []
  for (let next = 0n; next < 12n; ends.push(next)) {
    const read = await reader.read(0, next, { topic: id, maxBytes: 1_048_576, maxWaitMs: 0, signal })
    if (read.kind !== 'records') throw new Error(read.kind)
    next = read.next
  }
  expect(ends).toEqual([5n, 10n, 12n])
})

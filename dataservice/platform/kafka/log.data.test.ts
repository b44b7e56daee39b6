/** The contract of the port, on three real brokers. */
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { acksContract } from './testing/acks-contract.ts'
import { appendOracle } from './testing/append-oracle.ts'
import { appenderContract } from './testing/appender-contract.ts'
import { consumerContract } from './testing/consumer-contract.ts'
import { type ContractCluster, startContractCluster } from './testing/contract-cluster.ts'

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

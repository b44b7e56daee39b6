/** Asks a KRaft cluster for its active controller and voters. kafkajs cannot: to it brokers name a random node. */
import { describeQuorumV2 } from '@platformatic/kafka'
import { placeOf } from '#operator/desired/place.ts'
import { type Way, withBroker } from './broker-connection.ts'

const metadataLog = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]

export interface Quorum {
  /** Node id of the active controller. */
  controller: number
  /** Nodes that vote for it. */
  voters: number
}

/** By the first server that knows. Rejects with the last server's error. */
export async function quorumOf(servers: readonly string[], way: Way): Promise<Quorum> {
  let last: unknown = new Error('no server to ask')
  for (const server of servers) {
    try {
      return await quorumAt(server, way)
    } catch (error) {
      last = error
    }
  }
  throw last
}

const quorumAt = (server: string, way: Way): Promise<Quorum> =>
  withBroker(placeOf(server), way, async connection => {
    const answer = await describeQuorumV2.api.async(connection, metadataLog)
    const log = answer.topics[0]?.partitions[0]
    if (log === undefined || log.leaderId < 0) throw new Error('Kafka has no active controller')
    return { controller: log.leaderId, voters: log.currentVoters.length }
  })

/** How far the brokers' clock is from ours. */
import { describeQuorumV1 } from '@platformatic/kafka'
import type { Cluster } from './cluster.ts'

const timeoutMs = 2000
const maxRoundTripMs = 500
const metadataLog = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]

/**
 * Milliseconds by which the clock of the active controller is ahead of ours, within half of the round trip.
 * The controller states its own time where it describes itself as a voter. Rejects when no broker tells.
 */
export async function clockSkewMs(cluster: Cluster): Promise<number> {
  const asked = Date.now()
  const answer = await cluster.askAny<describeQuorumV1.DescribeQuorumResponse>(
    (connection, done) => describeQuorumV1.api(connection, metadataLog, done),
    timeoutMs,
  )
  const answered = Date.now()
  if (answered - asked > maxRoundTripMs) throw new Error('the answer came too late to tell the time by')
  const partition = answer.topics[0]?.partitions[0]
  const leader = partition?.currentVoters.find(voter => voter.replicaId === partition.leaderId)
  if (!leader || leader.lastFetchTimestamp <= 0n) throw new Error('the controller does not tell its time')
  return Number(leader.lastFetchTimestamp) - (asked + answered) / 2
}

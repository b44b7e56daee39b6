/** Asks a KRaft cluster for its active controller. kafkajs cannot: to it brokers name a random node. */
import { Connection, describeQuorumV2 } from '@platformatic/kafka'

const metadataLog = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]

/** Node id of the active controller, by the first server that knows. Rejects with the last server's error. */
export async function activeController(servers: readonly string[], timeoutMs: number): Promise<number> {
  let last: unknown = new Error('no server to ask')
  for (const server of servers) {
    try {
      return await leaderAt(server, timeoutMs)
    } catch (error) {
      last = error
    }
  }
  throw last
}

async function leaderAt(server: string, timeoutMs: number): Promise<number> {
  const [host = '', port = ''] = server.split(':')
  const connection = new Connection('dataservice-operator', {
    connectTimeout: timeoutMs,
    requestTimeout: timeoutMs,
  })
  connection.on('error', () => {}) // told by the call that it fails
  try {
    await connection.connect(host, Number(port))
    const answer = await describeQuorumV2.api.async(connection, metadataLog)
    const leader = answer.topics[0]?.partitions[0]?.leaderId ?? -1
    if (leader < 0) throw new Error('Kafka has no active controller')
    return leader
  } finally {
    connection.socket?.destroy()
  }
}

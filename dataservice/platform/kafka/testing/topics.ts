/** Topics for tests, made and asked past any proxy. */
import { type Admin, Kafka, logLevel } from 'kafkajs'

export interface Topics {
  /**
   * Makes a topic, of a new name unless one is given; `replicas` lists for each partition its brokers, the leader first.
   * Answers its name.
   */
  create(replicas: readonly (readonly number[])[], name?: string): Promise<string>
  /** Adds partitions up to `count` and waits until all of them have leaders. */
  grow(topic: string, count: number): Promise<void>
  /** Moves a partition to another broker and waits until that leads it. */
  move(topic: string, partition: number, broker: number): Promise<void>
  /** How many records each partition holds: without transactions every offset is a record. */
  counts(topic: string): Promise<number[]>
  /** Deletes a topic and makes it anew with one partition, empty. */
  replace(topic: string): Promise<void>
  /** Deletes the records below an offset, as retention does. */
  deleteBelow(topic: string, partition: number, offset: number): Promise<void>
  /** The position that a group told Kafka. */
  committed(group: string, topic: string, partition: number): Promise<number>
  close(): Promise<void>
}

const pollMs = 20

export async function connectTopics(brokers: string[]): Promise<Topics> {
  const admin = new Kafka({ brokers, clientId: 'topics', logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const leaders = async (topic: string): Promise<Map<number, number>> => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return new Map(topics[0]?.partitions.map(({ partitionId, leader }) => [partitionId, leader]))
  }
  const untilLed = (topic: string, count: number) =>
    until(async () => [...(await leaders(topic)).values()].filter(leader => leader >= 0).length === count)
  return {
    async create(replicas, topic = `test-${process.pid}-${performance.now().toFixed(0)}`) {
      const replicaAssignment = replicas.map((brokerIds, partition) => ({
        partition,
        replicas: [...brokerIds],
      }))
      // Its own wait asks one broker, which may not know of the topic yet, and fails then.
      await admin.createTopics({ topics: [{ topic, replicaAssignment }], waitForLeaders: false })
      await untilLed(topic, replicas.length)
      return topic
    },
    async grow(topic, count) {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] })
      await untilLed(topic, count)
    },
    async move(topic, partition, broker) {
      const partitionAssignment = [{ partition, replicas: [broker] }]
      await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] })
      await until(async () => (await leaders(topic)).get(partition) === broker)
    },
    counts: topic => countsOf(admin, topic),
    async replace(topic) {
      await admin.deleteTopics({ topics: [topic] })
      await until(() => admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] }))
      await untilLed(topic, 1)
    },
    async deleteBelow(topic, partition, offset) {
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
    },
    async committed(groupId, topic, partition) {
      const [of] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return Number(of?.partitions.find(each => each.partition === partition)?.offset)
    },
    close: () => admin.disconnect(),
  }
}

async function countsOf(admin: Admin, topic: string): Promise<number[]> {
  const offsets = await admin.fetchTopicOffsets(topic)
  return offsets.sort((a, b) => a.partition - b.partition).map(({ high }) => Number(high))
}

/** Waits for a condition, which a failing question does not meet. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const deadline = performance.now() + limitMs
  for (;;) {
    if (
      await Promise.resolve()
        .then(condition)
        .catch(() => false)
    )
      return
    if (performance.now() > deadline) throw new Error(`not met within ${limitMs} ms: ${condition.toString()}`)
    await new Promise(resolve => setTimeout(resolve, pollMs))
  }
}

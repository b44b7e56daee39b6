/** How old the oldest record is that a group has not passed yet: asked of the brokers, by anybody. */
import { describeLogDirsV4, findCoordinatorV4, listOffsetsV7, offsetFetchV8 } from '@platformatic/kafka'
import { type BrokerDisk, diskOf } from '#dataservice/contract/log-room.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { type Call, errorName, type Link } from './link.ts'
import { recordAt } from './log-query.ts'
import type { LogLag, Offset } from './port.ts'

export interface LogLagOptions extends ClusterOptions {
  /** Its committed offsets are the hints of the writers. */
  group: string
}

const timeoutMs = 3_000
const coordinatorOfGroups = 0
const anyReplica = -1
const readUncommitted = 0
const earliest = -2n
const latest = -1n

/** Nothing is connected before it is asked. */
export const createLogLag = (options: LogLagOptions): LogLag => new KafkaLogLag(options)

class KafkaLogLag implements LogLag {
  readonly #cluster: Cluster
  readonly #group: string

  constructor(options: LogLagOptions) {
    this.#cluster = new Cluster(options)
    this.#group = options.group
  }

  async oldestUnread(before: number): Promise<number | undefined> {
    const cluster = this.#cluster
    await cluster.refresh()
    const [passed, starts, ends, recent] = await Promise.all([
      this.#passed(),
      this.#offsetsAt(earliest),
      this.#offsetsAt(latest),
      this.#offsetsAt(BigInt(Math.floor(before))),
    ])
    const behind = [...ends].flatMap(([partition, end]) => {
      const start = starts.get(partition) ?? 0n
      const position = passed.get(partition) ?? start
      const next = position > start ? position : start
      const firstRecent = recent.get(partition) ?? -1n
      const isOld = next < end && (firstRecent < 0n || firstRecent > next)
      return isOld ? [{ partition, next }] : []
    })
    const times = await Promise.all(behind.map(({ partition, next }) => recordAt(cluster, partition, next)))
    const known = times.flatMap(record => (record === undefined ? [] : [record.timestamp]))
    return known.length === 0 ? undefined : Math.min(...known)
  }

  async disks(): Promise<BrokerDisk[]> {
    const { brokers } = await this.#cluster.view()
    const call: Call<describeLogDirsV4.DescribeLogDirsResponse> = (connection, done) =>
      describeLogDirsV4.api(connection, [], done)
    const asked = [...brokers.keys()].map(async broker => {
      const { results } = await this.#cluster.link('lag', broker).request(call, timeoutMs)
      return results.map(folder => diskOf(broker, folder))
    })
    const answers = await Promise.allSettled(asked)
    return answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
  }

  async close(): Promise<void> {
    this.#cluster.close()
  }

  /** Committed offsets; a partition without one is absent. */
  async #passed(): Promise<Map<number, Offset>> {
    const { topic } = this.#cluster
    const view = await this.#cluster.view()
    const partitionIndexes = Array.from({ length: view.partitions }, (_, partition) => partition)
    const groups = [{ groupId: this.#group, memberEpoch: -1, topics: [{ name: topic, partitionIndexes }] }]
    const call: Call<offsetFetchV8.OffsetFetchResponse> = (connection, done) =>
      offsetFetchV8.api(connection, groups, false, done)
    const link = await this.#coordinator()
    try {
      const answer = await link.request(call, timeoutMs)
      const partitions = answer.groups[0]?.topics[0]?.partitions ?? []
      return new Map(
        partitions.flatMap(({ partitionIndex, committedOffset }) =>
          committedOffset < 0n ? [] : [[partitionIndex, committedOffset] as const],
        ),
      )
    } finally {
      link.close()
    }
  }

  async #coordinator(): Promise<Link> {
    const { coordinators } = await this.#cluster.askAny<findCoordinatorV4.FindCoordinatorResponse>(
      (connection, done) => findCoordinatorV4.api(connection, coordinatorOfGroups, [this.#group], done),
      timeoutMs,
    )
    const [coordinator] = coordinators
    if (!coordinator || coordinator.port <= 0) throw new Error('the group has no coordinator yet')
    return this.#cluster.open({ host: coordinator.host, port: coordinator.port })
  }

  /** For each partition the first offset at or after a time, -1 when there is none; one request to each broker. */
  async #offsetsAt(timestamp: bigint): Promise<Map<number, Offset>> {
    const { leaders } = await this.#cluster.view()
    const byBroker = Map.groupBy(leaders, ([, { broker }]) => broker)
    const answers = await Promise.all(
      [...byBroker].map(([broker, led]) => {
        const partitions = led.map(([partitionIndex, { epoch }]) => ({
          partitionIndex,
          currentLeaderEpoch: epoch,
          timestamp,
        }))
        const topics = [{ name: this.#cluster.topic, partitions }]
        const call: Call<listOffsetsV7.ListOffsetsResponse> = (connection, done) =>
          listOffsetsV7.api(connection, anyReplica, readUncommitted, topics, done)
        return this.#cluster.link('lag', broker).request(call, timeoutMs)
      }),
    )
    const found = answers.flatMap(({ topics }) => topics[0]?.partitions ?? [])
    const failed = found.find(({ errorCode }) => errorCode !== 0)
    if (failed)
      throw new Error(`offsets of partition ${failed.partitionIndex}: ${errorName(failed.errorCode)}`)
    return new Map(found.map(({ partitionIndex, offset }) => [partitionIndex, offset]))
  }
}

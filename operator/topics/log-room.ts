/** How near a log is to losing what is not stored yet, and the disks under it. */
import { describeLogDirsV4 } from '@platformatic/kafka'
import type { Admin } from 'kafkajs'
import { type BrokerDisk, diskOf } from '#dataservice/contract/log-room.ts'
import type { Place } from '#operator/desired/place.ts'
import { type Way, withBroker } from './broker-connection.ts'
import type { RoomQuestion } from './port.ts'

/** Tenths of the retention that are asked for, one after the other: at rest the first answer ends it. */
const tenths = [5, 6, 7, 8, 9, 10]

/** Age of the oldest record that the group has not passed, in tenths of the retention; 0 below a half. */
export async function lagTenths(admin: Admin, { topic, group, retentionMs }: RoomQuestion): Promise<number> {
  const now = Date.now()
  const [committed, bounds] = await Promise.all([
    admin.fetchOffsets({ groupId: group, topics: [topic] }),
    admin.fetchTopicOffsets(topic),
  ])
  const passed = new Map(committed[0]?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]))
  const unread = bounds.flatMap(({ partition, low, high }) => {
    const told = passed.get(partition) ?? -1n
    const next = told > BigInt(low) ? told : BigInt(low)
    return next < BigInt(high) ? [{ partition, next }] : []
  })
  let reached = 0
  if (unread.length === 0) return reached
  for (const share of tenths) {
    const younger = await admin.fetchTopicOffsetsByTimestamp(
      topic,
      Math.floor(now - (retentionMs * share) / 10),
    )
    const firstYounger = new Map(younger.map(({ partition, offset }) => [partition, BigInt(offset)]))
    if (!unread.some(({ partition, next }) => next < (firstYounger.get(partition) ?? 0n))) return reached
    reached = share
  }
  return reached
}

/** The fullest disk of each broker that answers. Rejects when none does. */
export async function brokerDisks(
  brokers: readonly (Place & { nodeId: number })[],
  way: Way,
): Promise<BrokerDisk[]> {
  const asked = brokers.map(broker => disksOf(broker, way))
  const answers = await Promise.allSettled(asked)
  const told = answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
  const [failed] = answers.flatMap(answer => (answer.status === 'rejected' ? [answer.reason] : []))
  if (told.length === 0 && failed !== undefined) throw failed
  return told
}

const disksOf = (broker: Place & { nodeId: number }, way: Way): Promise<BrokerDisk[]> =>
  withBroker(broker, way, async connection => {
    const { results } = await describeLogDirsV4.api.async(connection, [])
    return results.map(folder => diskOf(broker.nodeId, folder))
  })

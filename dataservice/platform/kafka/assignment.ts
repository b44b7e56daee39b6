/** Who reads what. Pure; the bytes are those of Kafka's consumer protocol, so that its tools can show them. */
import {
  decodeConsumerProtocolAssignment,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
} from '@platformatic/kafka'

/** Deals partitions to members in turn, in an order that all members agree on. */
export function assign(
  members: readonly string[],
  partitions: number,
): ReadonlyMap<string, readonly number[]> {
  const sorted = [...members].sort()
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  return new Map(
    sorted.map((member, place) => [member, all.filter(partition => partition % sorted.length === place)]),
  )
}

/** What a member says when it joins. */
export const encodeSubscription = (topic: string): Buffer =>
  encodeConsumerProtocolSubscription({ version: 0, topics: [topic] })

export const encodeAssignment = (topic: string, partitions: readonly number[]): Buffer =>
  encodeConsumerProtocolAssignment({
    version: 0,
    assignedPartitions: [{ topic, partitions: [...partitions] }],
  })

/** The partitions of `topic` in an assignment, ascending. */
export function decodeAssignment(topic: string, assignment: Buffer): number[] {
  const { assignedPartitions } = decodeConsumerProtocolAssignment(assignment)
  return assignedPartitions
    .flatMap(part => (part.topic === topic ? part.partitions : []))
    .sort((a, b) => a - b)
}

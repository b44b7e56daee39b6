/**
 * Whether all that was accepted is in Postgres: what the writers say they have stored, against the end of the log. Kafka's
 * committed offset is a hint only and is not looked at. Asked while a service is about to hibernate, and at no other time.
 */
import { eventsTopic } from '#dataservice/contract/names.ts'
import { parseProgress } from '#dataservice/contract/writer-progress.ts'
import { partName } from '#operator/desired/names.ts'
import type { ReadinessPort } from '#operator/pods/port.ts'
import type { TopicsPort } from '#operator/topics/port.ts'
import { type Facts, type FlushFacts, findChild, type PartitionBehind } from '../facts.ts'
import { answers } from '../progress.ts'
import { logAddress } from '../restart-broker.ts'
import { runningPods } from '../running-pods.ts'
import { isGone, isNeverServed, isPutToSleep } from './asleep.ts'
import { hibernates } from './hibernates.ts'

type Known = Pick<Facts, 'owner' | 'target' | 'pods' | 'children'>

interface Ports {
  readiness: Pick<ReadinessPort, 'progressOf'>
  topics: Pick<TopicsPort, 'ends'>
}

/** True once no gateway runs any more, so that the end of the log stands still. */
export function isFlushAsked(known: Known): boolean {
  const kafka = findChild(known, 'StatefulSet', partName(known.owner.metadata.name, 'kafka'))
  return (
    hibernates(known.owner) &&
    isGone('gateway', known) &&
    !isPutToSleep(known) &&
    !isNeverServed(known) &&
    (answers(kafka) || known.target.effective.kafka !== undefined)
  )
}

/** The end of the log is read after the gateways have gone and before the writers are asked. Rejects with TopicsUnavailable. */
export async function seenFlush(known: Known, { readiness, topics }: Ports): Promise<FlushFacts> {
  if (known.target.effective.kafka !== undefined) return toldFlush(known, { readiness })
  const topic = eventsTopic(known.owner.metadata)
  const ends = await topics.ends(logAddress(known), topic)
  // It was there when the first gateway was made: what is missing now must not pass for empty.
  if (ends.size === 0) return { kind: 'unreachable', message: `topic ${topic} is missing` }
  const answers = await Promise.all(
    runningPods('writer', known.pods).map(({ address }) => readiness.progressOf(address)),
  )
  const stored = furthest(answers.flatMap(text => parseProgress(text ?? '')?.stored ?? []))
  return { kind: 'seen', behind: behindOf(ends, stored) }
}

/**
 * The operator does not ask a Kafka of others for the end of its log. It goes on while we sleep, so that nothing is lost
 * that a writer does not know of; what they say of themselves has to do.
 */
async function toldFlush(known: Known, { readiness }: Pick<Ports, 'readiness'>): Promise<FlushFacts> {
  const answers = await Promise.all(
    runningPods('writer', known.pods).map(({ address }) => readiness.progressOf(address)),
  )
  const told = answers.flatMap(text => parseProgress(text ?? '') ?? [])
  const done = told.filter(({ load }) => load?.waiting === 0).flatMap(({ stored }) => [...stored.keys()])
  const all = Array.from({ length: known.target.effective.topic.partitions }, (_, partition) => partition)
  const behind = all.filter(partition => !done.includes(partition))
  const isTold = (partition: number): boolean => told.some(({ stored }) => stored.has(partition))
  return { kind: 'seen', behind: behind.map(partition => ({ partition, told: isTold(partition) })) }
}

/** A writer that lost a partition without noticing says less than the one that has it now; both were true once. */
function furthest(told: readonly ReadonlyMap<number, bigint>[]): ReadonlyMap<number, bigint> {
  const stored = new Map<number, bigint>()
  for (const [partition, offset] of told.flatMap(each => [...each])) {
    const known = stored.get(partition)
    if (known === undefined || known < offset) stored.set(partition, offset)
  }
  return stored
}

/** A partition that nothing was ever written to needs no writer. */
function behindOf(
  ends: ReadonlyMap<number, bigint>,
  stored: ReadonlyMap<number, bigint>,
): readonly PartitionBehind[] {
  return [...ends]
    .filter(([partition, end]) => (stored.get(partition) ?? 0n) < end)
    .map(([partition]) => ({ partition, told: stored.has(partition) }))
    .sort((left, right) => left.partition - right.partition)
}

/** What Strimzi says of the topics and the user that it is asked for. Pure. */

import type { KindOfOthers } from '#operator/desired/kinds-of-others.ts'
import { conditionIn } from '#operator/desired/observed-conditions.ts'
import { consumerUsers, kafkaTopics } from '#operator/desired/strimzi.ts'
import type { ObservedChild, Target } from '#operator/desired/target.ts'
import { type Facts, findChild } from './facts.ts'

export interface Wanted {
  kind: KindOfOthers & ('KafkaTopic' | 'KafkaUser')
  name: string
  /** Undefined: it is not there yet. */
  state?: StrimziState
}

export interface StrimziState {
  isReady: boolean
  /** In the words of Strimzi. */
  says: string
  /** It waits for somebody. */
  isStuck: boolean
}

/** Reasons that Strimzi does not leave by itself. */
const stuckReasons = [
  'NotSupported',
  'ResourceConflict',
  'InvalidResourceException',
  'InvalidRequestException',
]

type Known = Pick<Facts, 'children'> & { target: Target }

/** Topics, in the order of the table. */
export const strimziTopics = (known: Known): Wanted[] =>
  kafkaTopics(known.target).map(({ metadata: { name } }) => wanted('KafkaTopic', name, known))

export const strimziUser = (known: Known): Wanted =>
  wanted('KafkaUser', known.target.effective.strimzi?.user ?? '', known)

function wanted(kind: Wanted['kind'], name: string, { children }: Known): Wanted {
  const found = findChild({ children }, kind, name)
  return found === undefined ? { kind, name } : { kind, name, state: stateOf(found) }
}

/** Users of the consumers that it runs Kafka for. */
export const strimziConsumers = (known: Known): Wanted[] =>
  consumerUsers(known.target).map(({ metadata: { name } }) => wanted('KafkaUser', name, known))

/** True where Strimzi runs no Kafka for us, or has done all that pods need. */
export const isLogPrepared = (known: Known): boolean =>
  known.target.effective.strimzi === undefined ||
  [strimziUser(known), ...strimziTopics(known)].every(({ state }) => state?.isReady === true)

function stateOf({ metadata, status = {} }: ObservedChild): StrimziState {
  const { observedGeneration } = status
  const ready = conditionIn(status, 'Ready')
  if (ready === undefined) return { isReady: false, isStuck: false, says: 'Strimzi has not looked at it yet' }
  const isCurrent = typeof observedGeneration !== 'number' || observedGeneration >= (metadata.generation ?? 0)
  const words = [ready['reason'], ready['message']].filter(text => typeof text === 'string' && text !== '')
  return {
    isReady: ready['status'] === 'True' && isCurrent,
    isStuck: isCurrent && stuckReasons.some(reason => reason === ready['reason']),
    says: isCurrent
      ? words.join(': ') || 'Strimzi is at work on it'
      : 'Strimzi has not seen the newest change yet',
  }
}

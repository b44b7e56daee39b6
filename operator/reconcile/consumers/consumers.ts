/** Programs of others that read the log: what is asked about them, and what follows. Pure. */
import {
  accessChanges,
  bindingComponent,
  bindingsOf,
  consumersOf,
  formerConsumers,
  rightsOf,
  usersPrefix,
  type WantedUser,
} from '#operator/desired/consumers.ts'
import { annotationKeys, type Child, labelKeys } from '#operator/desired/labels.ts'
import { bindingName, consumerUserName } from '#operator/desired/names.ts'
import { type Facts, findChild } from '../facts.ts'
import type { Step } from '../plan.ts'
import { logAddress, outdatedBrokers } from '../restart-broker.ts'

type Known = Pick<Facts, 'owner' | 'target' | 'secrets'>

const secretOf = ({ owner }: Pick<Facts, 'owner'>, consumer: string): string =>
  bindingName(owner.metadata.name, consumer)

/** Of those that are wanted and those that are about to go. */
export const bindingNames = (known: Pick<Facts, 'owner' | 'target'>): string[] =>
  [...consumersOf(known.target), ...formerConsumers(known.target)].map(each => secretOf(known, each))

/**
 * The user that the Secret of a consumer names. One of another consumer is nobody: whoever may change a Secret must not come
 * to others' groups by it.
 */
export function userOf(known: Known, consumer: string): string | undefined {
  const user = known.secrets.get(secretOf(known, consumer))?.user
  return user?.startsWith(usersPrefix(known.owner, consumer)) ? user : undefined
}

const wantedUsers = (known: Known): WantedUser[] =>
  consumersOf(known.target).flatMap(consumer => {
    const user = userOf(known, consumer)
    const rights = rightsOf(known.target, consumer)
    return user === undefined ? [] : [{ user, secret: secretOf(known, consumer), rights }]
  })

/** Written with the Secret as soon as it is there. */
export const bindingMark = (secret: string, { target }: Pick<Facts, 'target'>): Child | undefined =>
  bindingsOf(target).find(({ told }) => told.metadata.name === secret)?.told

/** What Secrets tell differs: there are more brokers, or another authority. */
export function toldSteps({ target, secrets }: Known): Step[] {
  return bindingsOf(target).flatMap(({ told }): Step[] => {
    const found = secrets.get(told.metadata.name)
    const seal = told.metadata.annotations?.[annotationKeys.desired]
    if (found === undefined || found.annotations?.[annotationKeys.desired] === seal) return []
    return [{ do: 'apply', object: told, uid: found.uid }]
  })
}

/**
 * First rights and users, then the Secrets of those that are gone, which stay when Kafka could not be told. Not while brokers
 * are restarted: some ask for rights then, and the one that would write them may not.
 */
export function consumerSteps(facts: Known & Pick<Facts, 'access' | 'pods' | 'children'>): Step[] {
  const { target, access } = facts
  if (target.effective.strimzi) return leavingSecrets(facts, formerConsumers(target).filter(hasNoUser(facts)))
  if (access.kind !== 'seen' || outdatedBrokers(facts).length > 0) return []
  const changes = accessChanges(wantedUsers(facts), access.access)
  return [
    ...(changes.length === 0 ? [] : [{ do: 'access' as const, log: logAddress(facts), changes }]),
    ...leavingSecrets(facts, formerConsumers(target)),
  ]
}

/** Strimzi has told Kafka. */
const hasNoUser =
  (facts: Pick<Facts, 'owner' | 'children'>) =>
  (consumer: string): boolean =>
    findChild(facts, 'KafkaUser', consumerUserName(facts.owner.metadata.name, consumer)) === undefined

const leavingSecrets = (facts: Known, consumers: readonly string[]): Step[] =>
  consumers.flatMap((consumer): Step[] => {
    const name = secretOf(facts, consumer)
    const { uid } = facts.secrets.get(name) ?? {}
    if (uid === undefined) return []
    return [{ do: 'remove', kind: 'Secret', namespace: facts.owner.metadata.namespace, name, uid }]
  })

/** Those of which something may be left. */
export const leavingConsumers = (facts: Known & Pick<Facts, 'access' | 'children'>): string[] =>
  formerConsumers(facts.target).filter(consumer => !isGone(facts, consumer))

function isGone(facts: Known & Pick<Facts, 'access' | 'children'>, consumer: string): boolean {
  const { owner, target, access, secrets } = facts
  if (secrets.has(secretOf(facts, consumer))) return false
  if (target.effective.strimzi) return hasNoUser(facts)(consumer)
  if (access.kind !== 'seen') return false
  const prefix = usersPrefix(owner, consumer)
  return ![...access.access.keys()].some(user => user.startsWith(prefix))
}

/** Consumers whose Secret does not open the log yet. */
export function waitingConsumers(facts: Known & Pick<Facts, 'access'>): string[] {
  const { target, access } = facts
  if (access.kind !== 'seen') return consumersOf(target)
  const changed = new Set(accessChanges(wantedUsers(facts), access.access).map(({ user }) => user))
  return consumersOf(target).filter(consumer => {
    const user = userOf(facts, consumer)
    return user === undefined || changed.has(user)
  })
}

/** What a step leaves to be looked at soon: Kafka and Secrets send no events. */
export const concernsConsumers = (step: Step): boolean =>
  step.do === 'access' ||
  (step.do === 'remove' && step.kind === 'Secret') ||
  (step.do === 'create' && step.object.kind === 'Secret' && isBinding(step.object))

const isBinding = ({ metadata }: Child): boolean => metadata.labels[labelKeys.component] === bindingComponent

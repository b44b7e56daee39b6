/** The condition `ConsumersReady`, and the consumers that the status lists. Pure. */
import type { DataServiceStatus } from '#crds/v1alpha1/status.ts'
import { consumersOf, hasConsumers, usersPrefix } from '#operator/desired/consumers.ts'
import { bindingName } from '#operator/desired/names.ts'
import { leavingConsumers, userOf, waitingConsumers } from '#operator/reconcile/consumers/consumers.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { hibernates } from '#operator/reconcile/lifecycle/hibernates.ts'
import { type Finding, fails, holds, isUnknown } from './conditions.ts'
import { delegatedConsumers } from './delegated.ts'
import { kubectl } from './kubectl.ts'
import { logUnreachable } from './log-unreachable.ts'

const type = 'ConsumersReady'

/** Empty where there are no consumers. */
export function consumersReady(facts: Facts): Finding[] {
  return hasConsumers(facts.target) ? [finding(facts)] : []
}

function finding(facts: Facts): Finding {
  const { owner, target, access } = facts
  const { name } = owner.metadata
  if (target.effective.strimzi) return ofStrimzi(facts)
  if (hibernates(owner) && target.asleep.has('kafka'))
    return isUnknown(
      type,
      'Hibernated',
      'Kafka sleeps; Secrets and users stay, and open the log when it wakes',
    )
  if (access.kind === 'unreachable')
    return fails(type, 'EngineUnreachable', logUnreachable(owner, access.message))
  if (access.kind === 'notAsked')
    return fails(
      type,
      'WaitingForLog',
      'every broker is to be restarted with the listener for consumers first; LogReady tells how far that is',
    )
  const [unbound] = consumersOf(target).filter(consumer => userOf(facts, consumer) === undefined)
  if (unbound !== undefined) return fails(type, 'Creating', lacking(facts, bindingName(name, unbound)))
  const waiting = waitingConsumers(facts)
  if (waiting.length > 0) return fails(type, 'Progressing', `Kafka is told about ${waiting.join(', ')}`)
  return settled(facts)
}

/** Whether Strimzi has let them in, and which Secret it lacks. */
function ofStrimzi(facts: Facts): Finding {
  const { owner, target, secrets } = facts
  const { name } = owner.metadata
  const lacked = consumersOf(target)
    .map(each => bindingName(name, each))
    .find(each => !secrets.has(each))
  if (lacked !== undefined) return fails(type, 'Creating', lacking(facts, lacked))
  const users = delegatedConsumers(facts)
  return users === undefined || users.status === 'True' ? settled(facts) : users
}

function settled(facts: Facts): Finding {
  const { owner, target } = facts
  const leaving = leavingConsumers(facts)
  if (leaving.length > 0)
    return fails(type, 'Progressing', `users and Secrets of ${leaving.join(', ')} are being removed`)
  const bound = consumersOf(target).map(each => `${each} by Secret ${bindingName(owner.metadata.name, each)}`)
  const groups = `groups begin with ${usersPrefix(owner)}CONSUMER.`
  return holds(type, 'Ready', `the log is open to ${bound.join(', ')}; their ${groups}`)
}

function lacking({ owner, secrets }: Facts, secret: string): string {
  return secrets.has(secret)
    ? `Secret ${secret} names a user that is not its own: ${kubectl(owner.metadata, `delete secret ${secret}`)}, and it is made anew`
    : `Secret ${secret} is not there yet; when its name is taken, Stalled says so`
}

/** As many as the API takes; those that are gone from the spec come last. */
const most = 64

/** Who is gone from it needs no brokers that ask for rights, and no look at what is left. */
export function consumersIn(facts: Facts): DataServiceStatus['consumers'] {
  const { owner, target } = facts
  const names = [...consumersOf(target), ...leavingConsumers(facts)].slice(0, most)
  if (names.length === 0) return undefined
  return names.map(name => ({ name, secret: bindingName(owner.metadata.name, name) }))
}

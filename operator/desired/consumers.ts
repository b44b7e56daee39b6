/** Programs of others that read the log: their users, what those may, and the Secrets that bind them. Pure. */
import type { V1Secret } from '@kubernetes/client-node'
import { scalerConsumer } from '#crds/v1alpha1/consumers.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import {
  changesTopic,
  deadLettersTopic,
  eventsTopic,
  ports,
  writerGroup,
} from '#dataservice/contract/names.ts'
import { trustKey } from './certificates.ts'
import { canonicalText, contentHash } from './hash.ts'
import { encrypts } from './hop-modes.ts'
import { logKey } from './kafka-topics.ts'
import { annotationKeys, type Child, ownedMetadata } from './labels.ts'
import { bootstrapServers } from './log-settings.ts'
import { bindingName, consumerUserName } from './names.ts'
import { isScaledByKeda } from './pod-numbers.ts'
import type { Target } from './target.ts'

type Known = Pick<Target, 'owner' | 'effective'>

/** Entries that are made once, with the Secret; the others follow what they tell. */
export const bindingKeys = { user: 'username', password: 'password' } as const

/** As it logs in. */
export const mechanism = 'SCRAM-SHA-512'

/** What a user may do, in Kafka's own words. */
export interface Right {
  resource: string
  name: string
  pattern: string
  operation: string
  permission: string
  host: string
}

export interface ObservedUser {
  /** Whether it can log in. */
  hasPassword: boolean
  rights: readonly Right[]
}

/** Users of the brokers by name. */
export type Access = ReadonlyMap<string, ObservedUser>

const namesIn = (consumers: readonly { name: string }[] = []): string[] => consumers.map(({ name }) => name)

/** Those of the spec, and KEDA where it looks at the lag. */
const wantedConsumers = ({ owner, effective }: Known): string[] => [
  ...namesIn(owner.spec.consumers),
  ...(isScaledByKeda(effective.replicas) ? [scalerConsumer] : []),
]

/** On a Kafka that a user named nobody is let in by us. To one that Strimzi runs KEDA comes as our own pods do. */
export function consumersOf(known: Known): string[] {
  const { owner, effective } = known
  if (effective.strimzi !== undefined) return namesIn(owner.spec.consumers)
  return effective.kafka === undefined ? wantedConsumers(known) : []
}

/** Those that were bound and are not asked for any more; they stay in the status until nothing is left of them. */
export function formerConsumers(known: Known): string[] {
  const { owner, effective } = known
  const wanted = consumersOf(known)
  const bound = effective.providers.kafka === 'external' ? [] : namesIn(owner.status?.consumers)
  return bound.filter(name => !wanted.includes(name))
}

/** Whether anybody is let in; brokers of ours then ask everybody for rights. It stays until the last user is gone. */
export const hasConsumers = (known: Known): boolean =>
  consumersOf(known).length > 0 || formerConsumers(known).length > 0

/** Neither namespace nor name has a dot: no user of one consumer looks like that of another. */
export const usersPrefix = ({ metadata: { namespace, name } }: DataService, consumer = ''): string =>
  `${namespace}.${name}.${consumer === '' ? '' : `${consumer}.`}`

/** Pods of the same namespace with this label may reach the brokers. */
export const consumesLabel = 'dataservice.dev/consumes'

const read = { operation: 'READ', permission: 'ALLOW', host: '*' } as const
const describe = { pattern: 'LITERAL', operation: 'DESCRIBE', permission: 'ALLOW', host: '*' } as const

/** What one of them may do. */
export const rightsOf = (target: Known, consumer: string): Right[] =>
  consumer === scalerConsumer ? lagRights(target) : readRights(target, consumer)

/** To see how far the log goes and how far the writers are, and no record. */
function lagRights({ owner: { metadata } }: Known): Right[] {
  return [
    { resource: 'TOPIC', name: eventsTopic(metadata), ...describe },
    { resource: 'GROUP', name: writerGroup(metadata), ...describe },
  ]
}

/** To read, and by that to see, what its Secret names. */
const readRights = (target: Known, consumer: string): Right[] => [
  ...Object.values(topicsOf(target)).map(name => ({
    resource: 'TOPIC',
    name,
    pattern: 'LITERAL',
    ...read,
  })),
  { resource: 'GROUP', name: usersPrefix(target.owner, consumer), pattern: 'PREFIXED', ...read },
]

/** Refused records stood in the topic of events, too: whoever reads the one may read the other. */
function topicsOf({ owner, effective }: Known): Record<string, string> {
  const key = logKey(owner, effective)
  return {
    topic: eventsTopic(key),
    deadLettersTopic: deadLettersTopic(key),
    ...(owner.spec.record.mode === 'Upsert' && { changesTopic: changesTopic(key) }),
  }
}

/** What the Secret says beside user and password. Undefined while the authority of the brokers is not known. */
function told(target: Target, consumer: string): Record<string, string> | undefined {
  const { owner, effective, certificates } = target
  const { kafka } = effective
  // The authority of others stands in a Secret of theirs.
  const isOurs = kafka === undefined && encrypts(effective)
  const isEncrypted = isOurs || kafka?.tls !== undefined
  const { trusted } = certificates
  if (isOurs && trusted === undefined) return undefined
  const servers = kafka?.bootstrapServers ?? bootstrapServers(owner, effective.brokers, ports.kafkaConsumers)
  return {
    type: 'kafka',
    provider: 'dataservice',
    bootstrapServers: servers.join(','),
    ...(consumer !== scalerConsumer && {
      ...topicsOf(target),
      groupPrefix: usersPrefix(owner, consumer),
    }),
    securityProtocol: isEncrypted ? 'SASL_SSL' : 'SASL_PLAINTEXT',
    saslMechanism: mechanism,
    ...(isOurs && trusted !== undefined && { [trustKey]: trusted }),
  }
}

/** Label of their Secrets. */
export const bindingComponent = 'consumer'

export interface Binding {
  consumer: string
  /** Made once, by POST. */
  secret: Child<V1Secret>
  /** Kept as built beside it: brokers may become more, and their authority another one. */
  told: Child
}

/** Those that can be made by now. */
export function bindingsOf(target: Target): Binding[] {
  return consumersOf(target).flatMap(consumer => {
    const entries = told(target, consumer)
    return entries === undefined ? [] : [{ consumer, ...binding(target, consumer, entries) }]
  })
}

/** Type and names of the entries are those of the Service Binding specification. */
function binding({ owner, effective, fresh }: Target, consumer: string, entries: Record<string, string>) {
  const metadata = ownedMetadata(owner, bindingName(owner.metadata.name, consumer), bindingComponent)
  const { name, namespace, labels } = metadata
  const head = { apiVersion: 'v1', kind: 'Secret' }
  const secret: Child<V1Secret> = {
    ...head,
    metadata,
    type: 'servicebinding.io/kafka',
    data: encoded({
      // Another one with each Secret: a new password needs no comparison with what Kafka keeps of the old one. Strimzi
      // compares, and its users are called as their objects.
      [bindingKeys.user]: effective.strimzi
        ? consumerUserName(owner.metadata.name, consumer)
        : usersPrefix(owner, consumer) + fresh.password(bindingKeys.user).slice(0, 8),
      [bindingKeys.password]: fresh.password(bindingKeys.password),
    }),
  }
  const data = encoded(entries)
  const annotations = { [annotationKeys.desired]: contentHash(data) }
  return { secret, told: { ...head, metadata: { name, namespace, labels, annotations }, data } }
}

const encoded = (entries: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(entries).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  )

export const bindingSecrets = (target: Target): Child[] => bindingsOf(target).map(({ secret }) => secret)

export type AccessChange =
  | { change: 'allow' | 'forbid'; user: string; rights: readonly Right[] }
  /** With the password of that Secret. */
  | { change: 'admit'; user: string; secret: string }
  | { change: 'dismiss'; user: string }

export interface WantedUser {
  user: string
  /** Name of the Secret that holds its password. */
  secret: string
  rights: readonly Right[]
}

/** What leads from the users that Kafka has to the wanted ones. Whoever goes loses its rights first, which ends what it reads. */
export function accessChanges(wanted: readonly WantedUser[], observed: Access): AccessChange[] {
  const gone = [...observed].filter(([user]) => !wanted.some(each => each.user === user))
  return [...gone.flatMap(dismissal), ...wanted.flatMap(each => admission(each, observed.get(each.user)))]
}

const dismissal = ([user, { hasPassword, rights }]: [string, ObservedUser]): AccessChange[] => [
  ...changeOf('forbid', user, rights),
  ...(hasPassword ? [{ change: 'dismiss' as const, user }] : []),
]

const nobody: ObservedUser = { hasPassword: false, rights: [] }

const admission = ({ user, secret, rights }: WantedUser, found = nobody): AccessChange[] => [
  ...changeOf('forbid', user, beyond(found.rights, rights)),
  ...(found.hasPassword ? [] : [{ change: 'admit' as const, user, secret }]),
  ...changeOf('allow', user, beyond(rights, found.rights)),
]

const changeOf = (change: 'allow' | 'forbid', user: string, rights: readonly Right[]): AccessChange[] =>
  rights.length === 0 ? [] : [{ change, user, rights }]

const beyond = (rights: readonly Right[], others: readonly Right[]): Right[] =>
  rights.filter(right => !others.some(other => canonicalText(other) === canonicalText(right)))

/** What KEDA is asked for where it scales the writer: a ScaledObject, and how it comes to the log. */
import type { V1ConfigMap } from '@kubernetes/client-node'
import { scalerConsumer } from '#crds/v1alpha1/consumers.ts'
import type { ExternalKafka } from '#crds/v1alpha1/external.ts'
import { ports } from '#dataservice/contract/names.ts'
import { scaledObjectKind } from './autoscalers.ts'
import { trustKey } from './certificates.ts'
import { bindingKeys, mechanism } from './consumers.ts'
import { encrypts } from './hop-modes.ts'
import { kindsOfOthers } from './kinds-of-others.ts'
import { type Child, ownedMetadata } from './labels.ts'
import { bootstrapServers, logOf } from './log-settings.ts'
import { bindingName, partName } from './names.ts'
import { isScaledByKeda, pauseAfterMoreSeconds, pauseBeforeFewerSeconds, podNumbers } from './pod-numbers.ts'
import type { ObservedChild, Target } from './target.ts'

type Named = Child<{ spec: Record<string, unknown> }>

const pollSeconds = 30

/** Kafka from 4.0 on knows no words that are older than 2.1, and older clients say what they are told here (by default 1.0). */
const spokenVersion = '2.8.0'

/**
 * None while nobody is to write: KEDA leaves 0 by itself, and a writer that wakes in a restore would store what is about to
 * be replaced. Nor beside an autoscaler of others: two of them on the same pods stop both.
 */
function ruleOf({ owner, effective, foreignAutoscalers, asleep }: Target) {
  const { writer } = podNumbers(effective.replicas, foreignAutoscalers)
  const isAtRest = owner.spec.lifecycle === 'Hibernated' || asleep.has('writer')
  return writer.rule !== 'keda' || writer.number === 0 || isAtRest ? undefined : writer
}

const named = ({ owner }: Target, kind: 'ScaledObject' | 'TriggerAuthentication', spec: object): Named => ({
  apiVersion: kindsOfOthers[kind].apiVersion,
  kind,
  metadata: ownedMetadata(owner, partName(owner.metadata.name, 'writer'), 'writer'),
  spec: { ...spec },
})

export function scaledObject(target: Target): Named | undefined {
  const rule = ruleOf(target)
  if (rule === undefined) return undefined
  return named(target, 'ScaledObject', {
    scaleTargetRef: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: partName(target.owner.metadata.name, 'writer'),
    },
    minReplicaCount: rule.number,
    maxReplicaCount: rule.most,
    pollingInterval: pollSeconds,
    advanced: {
      horizontalPodAutoscalerConfig: {
        behavior: {
          scaleUp: { policies: [{ type: 'Percent', value: 100, periodSeconds: pauseAfterMoreSeconds }] },
          scaleDown: { stabilizationWindowSeconds: pauseBeforeFewerSeconds },
        },
      },
    },
    triggers: [lagTrigger(target, rule.lagThreshold)],
  })
}

function lagTrigger(target: Target, lagThreshold: number): Record<string, unknown> {
  const { owner, effective } = target
  const { brokers, sasl, isEncrypted, entries } = wayToLog(target)
  const { eventsTopic, group } = logOf(owner, effective)
  return {
    type: 'kafka',
    // Between two questions writers tell Kafka how far they are, so that one who stands still can be told from one who works.
    useCachedMetrics: true,
    metadata: {
      bootstrapServers: brokers.join(','),
      consumerGroup: group,
      topic: eventsTopic,
      lagThreshold: String(lagThreshold),
      offsetResetPolicy: 'earliest',
      allowIdleConsumers: 'false',
      // More writers do not help a partition that stands still, whether Postgres is the cause or a record.
      excludePersistentLag: 'true',
      version: spokenVersion,
      sasl,
      tls: isEncrypted ? 'enable' : 'disable',
    },
    ...(entries.length > 0 && { authenticationRef: { name: partName(owner.metadata.name, 'writer') } }),
  }
}

/** The one that is there, while it is wanted. */
export const ownScaledObject = ({
  owner,
  effective,
  observed,
}: Pick<Target, 'owner' | 'effective' | 'observed'>): ObservedChild | undefined =>
  isScaledByKeda(effective.replicas)
    ? observed(scaledObjectKind, partName(owner.metadata.name, 'writer'))
    : undefined

/** Which entries of which objects KEDA reads; none where it need not say who it is. */
export function triggerAuthentication(target: Target): Named | undefined {
  const { entries } = wayToLog(target)
  if (ruleOf(target) === undefined || entries.length === 0) return undefined
  const from = (kind: Entry['kind']) =>
    entries.filter(entry => entry.kind === kind).map(({ kind: _, ...reference }) => reference)
  const [secretTargetRef, configMapTargetRef] = [from('Secret'), from('ConfigMap')]
  return named(target, 'TriggerAuthentication', {
    ...(secretTargetRef.length > 0 && { secretTargetRef }),
    ...(configMapTargetRef.length > 0 && { configMapTargetRef }),
  })
}

const userKey = 'username'

/** As whom pods log in where Strimzi runs Kafka: its Secret has only the password. */
export function logUserConfigMap(target: Target): Child<V1ConfigMap> | undefined {
  const { owner, effective } = target
  if (ruleOf(target) === undefined || effective.strimzi === undefined) return undefined
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMetadata(owner, partName(owner.metadata.name, 'writer'), 'writer'),
    data: { [userKey]: effective.strimzi.user },
  }
}

/** A parameter of the trigger, and the entry that holds it. */
interface Entry {
  kind: 'Secret' | 'ConfigMap'
  parameter: 'username' | 'password' | 'ca' | 'cert' | 'key'
  name: string
  key: string
}

interface WayToLog {
  brokers: readonly string[]
  sasl: 'none' | 'scram_sha256' | 'scram_sha512'
  isEncrypted: boolean
  entries: readonly Entry[]
}

const saslOf = { 'SCRAM-SHA-256': 'scram_sha256', 'SCRAM-SHA-512': 'scram_sha512' } as const

const secretEntry = (parameter: Entry['parameter'], name: string, key: string): Entry => ({
  kind: 'Secret',
  parameter,
  name,
  key,
})

/** To brokers of ours as a consumer that sees the lag and no record; elsewhere as whom our own pods log in. */
const wayToLog = (target: Target): WayToLog =>
  target.effective.kafka === undefined ? wayToOurs(target) : wayToOthers(target, target.effective.kafka)

function wayToOurs({ owner, effective }: Target): WayToLog {
  const secret = bindingName(owner.metadata.name, scalerConsumer)
  const isEncrypted = encrypts(effective)
  return {
    brokers: bootstrapServers(owner, effective.brokers, ports.kafkaConsumers),
    sasl: saslOf[mechanism],
    isEncrypted,
    entries: [
      secretEntry('username', secret, bindingKeys.user),
      secretEntry('password', secret, bindingKeys.password),
      ...(isEncrypted ? [secretEntry('ca', secret, trustKey)] : []),
    ],
  }
}

function wayToOthers(
  { owner, effective }: Target,
  { bootstrapServers, scram, tls }: ExternalKafka,
): WayToLog {
  const { caSecretRef: authority, clientCertificateRef: own } = tls ?? {}
  const user: Entry | undefined = effective.strimzi
    ? {
        kind: 'ConfigMap',
        parameter: 'username',
        name: partName(owner.metadata.name, 'writer'),
        key: userKey,
      }
    : scram && secretEntry('username', scram.secretRef.name, 'username')
  return {
    brokers: bootstrapServers,
    sasl: scram ? saslOf[scram.mechanism] : 'none',
    isEncrypted: tls !== undefined,
    entries: [
      ...(user ? [user] : []),
      ...(scram ? [secretEntry('password', scram.secretRef.name, 'password')] : []),
      ...(authority ? [secretEntry('ca', authority.name, authority.key)] : []),
      ...(own ? [secretEntry('cert', own.name, 'tls.crt'), secretEntry('key', own.name, 'tls.key')] : []),
    ],
  }
}

/** NetworkPolicies: each part is reached by the parts that talk to it, and with mode Strict reaches nobody else. */
import type {
  V1LabelSelector,
  V1NetworkPolicy,
  V1NetworkPolicyEgressRule,
  V1NetworkPolicyIngressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
} from '@kubernetes/client-node'
import type { Peer } from '#crds/v1alpha1/network.ts'
import { ports } from '#dataservice/contract/names.ts'
import type { Wire } from '#operator/cluster/port.ts'
import { consumesLabel } from './consumers.ts'
import type { Effective } from './effective.ts'
import { encrypts, isMeshed } from './hop-modes.ts'
import { type Child, labelKeys, ownedMetadata, selectorLabels } from './labels.ts'
import { controlPlane, proxyPorts } from './mesh-pods.ts'
import { type Part, partName } from './names.ts'
import { type Place, placeOf } from './place.ts'
import { isScaledByKeda } from './pod-numbers.ts'
import type { Target } from './target.ts'
import { usesRedis } from './user-secrets.ts'

/** In the words of the API: client-node's types say `_from`. */
type Policy = Wire<V1NetworkPolicy>
type IngressRule = Wire<V1NetworkPolicyIngressRule>

type Talker = Part | 'jobs' | 'backup'

interface Conversation {
  from: Talker
  to: Part
  ports: readonly number[]
  when?: (target: Target) => boolean
}

/** Who talks to whom; both directions of every policy follow from it. */
const conversations: readonly Conversation[] = [
  { from: 'gateway', to: 'kafka', ports: [ports.kafka] },
  { from: 'gateway', to: 'reader', ports: [ports.http] },
  { from: 'gateway', to: 'redis', ports: [ports.redis], when: ({ owner }) => usesRedis.gateway(owner.spec) },
  { from: 'writer', to: 'kafka', ports: [ports.kafka] },
  { from: 'writer', to: 'postgres', ports: [ports.postgres] },
  { from: 'writer', to: 'redis', ports: [ports.redis], when: ({ owner }) => usesRedis.writer(owner.spec) },
  { from: 'reader', to: 'postgres', ports: [ports.postgres] },
  { from: 'reader', to: 'gateway', ports: [ports.http], when: ({ effective }) => !encrypts(effective) },
  { from: 'reader', to: 'gateway', ports: [ports.inner], when: ({ effective }) => encrypts(effective) },
  { from: 'reader', to: 'redis', ports: [ports.redis] },
  { from: 'jobs', to: 'postgres', ports: [ports.postgres] },
  // After a restore the migration looks whether the log is the same.
  { from: 'jobs', to: 'kafka', ports: [ports.kafka] },
  // After other passwords a Job looks whether the old ones still open it.
  {
    from: 'jobs',
    to: 'redis',
    ports: [ports.redis],
    when: ({ effective }) => effective.providers.redis === 'managed',
  },
  {
    from: 'backup',
    to: 'postgres',
    ports: [ports.postgres],
    when: ({ effective }) => effective.backup !== undefined,
  },
  { from: 'kafka', to: 'kafka', ports: [ports.kafka, ports.kafkaController] },
  { from: 'postgres', to: 'postgres', ports: [ports.postgres] },
]

/** The port that others may be let in to. */
const doors = { gateway: ports.http, kafka: ports.kafka, postgres: ports.postgres } as const

const measured: readonly Talker[] = ['gateway', 'writer', 'reader']
const isMeasured = ({ effective }: Target, part: Talker): boolean =>
  measured.includes(part) || (part === 'backup' && effective.backup?.s3 !== undefined)
const everyPod: V1NetworkPolicyPeer = { namespaceSelector: {} }
/** In whatever namespace it was installed. */
const kedaPods: V1NetworkPolicyPeer = {
  namespaceSelector: {},
  podSelector: { matchLabels: { app: 'keda-operator' } },
}
const tcp = (numbers: readonly number[]): V1NetworkPolicyPort[] =>
  numbers.map(port => ({ port, protocol: 'TCP' }))
/** Policies see the port of the pod that answers, behind that of the Service: 5353 on OpenShift, 8053 with others. */
const dnsPorts = [53, 5353, 8053]
const dns: V1NetworkPolicyEgressRule = {
  ports: dnsPorts.flatMap(port => [
    { port, protocol: 'UDP' },
    { port, protocol: 'TCP' },
  ]),
}

export function networkPolicy(target: Target, part: Talker): Child<Policy> | undefined {
  const { owner } = target
  const { name } = owner.metadata
  const { networkPolicy: rules } = owner.spec
  if (rules === undefined || rules.mode === 'Off') return undefined
  if (part === 'backup' && target.effective.backup === undefined) return undefined
  const { mode } = rules
  const ingress = ingressOf(target, part)
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: ownedMetadata(owner, partName(name, part), part),
    spec: {
      podSelector: selectorOf(name, part),
      policyTypes: mode === 'Strict' ? ['Ingress', 'Egress'] : ['Ingress'],
      // An empty list is not stored, and would look like drift.
      ...(ingress.length > 0 && { ingress }),
      ...(mode === 'Strict' && { egress: egressOf(target, part) }),
    },
  }
}

/** Pods of these kinds share a policy. */
const shared = {
  jobs: ['migrate', 'maintain', 'remove', 'retire'],
  backup: ['backup', 'backup-s3', 'backup-job', 'restore'],
} as const

const selectorOf = (name: string, part: Talker): V1LabelSelector =>
  part === 'jobs' || part === 'backup'
    ? {
        matchLabels: { [labelKeys.name]: 'dataservice', [labelKeys.instance]: name },
        matchExpressions: [{ key: labelKeys.component, operator: 'In', values: [...shared[part]] }],
      }
    : { matchLabels: selectorLabels(name, part) }

function ingressOf(target: Target, part: Talker): IngressRule[] {
  const { owner } = target
  const inner = heard(target).filter(({ to }) => to === part)
  const figures = isMeshed(target.effective) ? [proxyPorts.figures] : []
  return [
    ...inner.map(({ from, ports }) => ({
      from: [{ podSelector: selectorOf(owner.metadata.name, from) }],
      ports: tcp(carried(target, ports)),
    })),
    ...(part === 'kafka'
      ? [{ from: [operatorPods(target)], ports: tcp(carried(target, [ports.kafka])) }]
      : []),
    ...(part === 'kafka' ? consumers(target) : []),
    ...guests(target, part),
    ...(isMeasured(target, part) ? [{ from: [everyPod], ports: tcp([ports.telemetry, ...figures]) }] : []),
  ]
}

const heard = (target: Target): Conversation[] => conversations.filter(({ when }) => when?.(target) ?? true)

/** They reach the listener that asks them who they are, and no other. */
function consumers(target: Target): IngressRule[] {
  const { owner, effective } = target
  const own = { podLabels: { [consumesLabel]: owner.metadata.name } }
  const declared = (owner.spec.consumers ?? []).map(({ from = [own] }) => from.map(peerOf))
  const door = tcp(carried(target, [ports.kafkaConsumers]))
  return [...declared, ...(isScaledByKeda(effective.replicas) ? [[kedaPods]] : [])].map(from => ({
    from,
    ports: door,
  }))
}

/** Ports by which it arrives: proxies of nodes carry it through one of their own. */
const carried = ({ effective }: Target, numbers: readonly number[]): number[] =>
  isMeshed(effective) ? [...numbers, proxyPorts.tunnel] : [...numbers]

/** The gateway is open to everybody until somebody is named for it. */
function guests(target: Target, part: Talker): IngressRule[] {
  if (part !== 'gateway' && part !== 'kafka' && part !== 'postgres') return []
  const callers = target.owner.spec.networkPolicy?.allowFrom ?? []
  const door = tcp(carried(target, [doors[part]]))
  const from = callers.filter(({ parts }) => parts.includes(part)).map(peerOf)
  if (from.length > 0) return [{ from, ports: door }]
  return part === 'gateway' ? [{ ports: door }] : []
}

function egressOf(target: Target, part: Talker): V1NetworkPolicyEgressRule[] {
  const { owner, effective } = target
  return [
    dns,
    ...heard(target)
      .filter(({ from }) => from === part)
      .flatMap(({ to, ports }) => {
        const places = elsewhereOf(effective, { from: part, to })
        if (places.length > 0) return places.map(elsewhere)
        const { listener } = effective.strimzi ?? {}
        const reached = to === 'kafka' && listener !== undefined ? [listener.port] : ports
        const podSelector = delegatedPods(target, to) ?? selectorOf(owner.metadata.name, to)
        return [{ to: [{ podSelector }], ports: tcp(carried(target, reached)) }]
      }),
    ...(part === 'gateway' ? issuer(target) : []),
    ...(part === 'backup' ? backupStore(target) : []),
    ...(isMeshed(effective) ? [{ to: [controlPlane], ports: tcp([proxyPorts.control]) }] : []),
    ...(owner.spec.networkPolicy?.egress ?? []).map(each => ({ to: [peerOf(each)], ports: tcp(each.ports) })),
  ]
}

/** The pods of an engine that another operator of the cluster runs, as it labels them. */
function delegatedPods({ owner, effective }: Target, part: Part): V1LabelSelector | undefined {
  const { strimzi, cloudNativePG } = effective
  if (part === 'kafka' && strimzi) return { matchLabels: { 'strimzi.io/name': `${strimzi.cluster}-kafka` } }
  if (part === 'postgres' && cloudNativePG)
    return { matchLabels: { 'cnpg.io/cluster': partName(owner.metadata.name, part) } }
  return undefined
}

/** Where an engine is that others run; empty for one of ours. Readers ask its replica, and the primary behind it. */
function elsewhereOf(
  { kafka, postgres, redis, cloudNativePG, strimzi }: Effective,
  { from, to }: Pick<Conversation, 'from' | 'to'>,
): Place[] {
  if (to === 'kafka' && kafka !== undefined && strimzi === undefined)
    return kafka.bootstrapServers.map(placeOf)
  if (to === 'redis' && redis !== undefined) return [redis]
  if (to !== 'postgres' || postgres === undefined || cloudNativePG !== undefined) return []
  return from === 'reader' && postgres.replica !== undefined ? [postgres, postgres.replica] : [postgres]
}

/** An engine that others run. A name cannot stand in a policy; the port then has to do. */
function elsewhere({ host, port }: Place): V1NetworkPolicyEgressRule {
  const bits = bitsOf(host)
  return {
    ...(bits !== undefined && { to: [{ ipBlock: { cidr: `${host}/${bits}` } }] }),
    ports: tcp([port]),
  }
}

/** Length of an IP address; undefined for a name. */
function bitsOf(host: string): 32 | 128 | undefined {
  if (host.includes(':')) return 128
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) ? 32 : undefined
}

/** Its address is a name, which no policy can hold. */
function issuer({ owner }: Target): V1NetworkPolicyEgressRule[] {
  const uri = owner.spec.gateway.authentication?.jwt?.jwksUri
  const url = uri !== undefined && URL.canParse(uri) ? new URL(uri) : undefined
  if (url === undefined) return []
  return [{ ports: tcp([Number(url.port) || (url.protocol === 'http:' ? 80 : 443)]) }]
}

/** Its host may be a name or an address. */
function backupStore({ effective }: Target): V1NetworkPolicyEgressRule[] {
  const { endpoint } = effective.backup?.s3 ?? {}
  if (endpoint === undefined) return []
  const { hostname, port, protocol } = new URL(endpoint)
  return [
    elsewhere({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (protocol === 'http:' ? 80 : 443),
    }),
  ]
}

function peerOf({ cidr, namespaceLabels, podLabels }: Peer): V1NetworkPolicyPeer {
  if (cidr !== undefined) return { ipBlock: { cidr } }
  return {
    ...(namespaceLabels && { namespaceSelector: labelled(namespaceLabels) }),
    ...(podLabels && { podSelector: labelled(podLabels) }),
  }
}

const labelled = (labels: Record<string, string>) =>
  Object.keys(labels).length === 0 ? {} : { matchLabels: labels }

/** It asks Kafka about the topics. */
const operatorPods = ({ operatorNamespace }: Target): V1NetworkPolicyPeer => ({
  namespaceSelector:
    operatorNamespace === undefined ? {} : labelled({ 'kubernetes.io/metadata.name': operatorNamespace }),
  podSelector: labelled({ [labelKeys.name]: 'dataservice-operator' }),
})

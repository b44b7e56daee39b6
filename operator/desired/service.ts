/** Services: where each part is reached. */
import type { V1Service, V1ServiceSpec } from '@kubernetes/client-node'
import { ports } from '#dataservice/contract/names.ts'
import { encrypts } from './hop-modes.ts'
import { type Child, labelKeys, ownedMetadata, selectorLabels } from './labels.ts'
import { named } from './mesh-pods.ts'
import { type Part, partName, postgresPod, postgresPrimaryName, postgresReplicaName } from './names.ts'
import type { Target } from './target.ts'

type PortName = 'http' | 'https' | 'inner' | 'kafka' | 'postgres' | 'redis'
const port = (name: PortName, number: number) => ({ name, port: number, targetPort: name, protocol: 'TCP' })

/** Engines are found by pod name, also while they start: brokers and replicas have to meet each other. */
const headless: Partial<V1ServiceSpec> = { clusterIP: 'None', publishNotReadyAddresses: true }

const specs: Partial<Record<Part, Partial<V1ServiceSpec>>> = {
  gateway: { ports: [port('http', 80)] },
  reader: { ports: [port('http', 80)] },
  kafka: {
    ...headless,
    ports: [
      port('kafka', ports.kafka),
      { name: 'controller', port: ports.kafkaController, targetPort: 'controller', protocol: 'TCP' },
    ],
  },
  postgres: { ...headless, ports: [port('postgres', ports.postgres)] },
  redis: { clusterIP: 'None', ports: [port('redis', ports.redis)] },
}

/** The reader is asked by gateways alone. */
const encryptedReader: Partial<V1ServiceSpec> = { ports: [{ ...port('https', 443), targetPort: 'http' }] }

/** Readers come by the second port. */
const encryptedGateway: Partial<V1ServiceSpec> = { ports: [port('http', 80), port('inner', ports.inner)] }

const encrypted: typeof specs = { ...specs, gateway: encryptedGateway, reader: encryptedReader }

export function service({ owner, effective }: Target, part: Part): Child<V1Service> | undefined {
  const spec = (encrypts(effective) ? encrypted : specs)[part]
  if (spec === undefined) return undefined
  const { name } = owner.metadata
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(owner, partName(name, part), part),
    spec: { ...spec, ports: named(effective, spec.ports ?? []), selector: selectorLabels(name, part) },
  }
}

/** The address for writes. It outlives restarts of the pod behind it, so clients keep one name. */
export function postgresPrimaryService({ owner, effective, initialisation }: Target): Child<V1Service> {
  const { name } = owner.metadata
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(owner, postgresPrimaryName(name), 'postgres'),
    spec: {
      ports: named(effective, [port('postgres', ports.postgres)]),
      selector: {
        ...selectorLabels(name, 'postgres'),
        'statefulset.kubernetes.io/pod-name': postgresPod(name, initialisation.primary),
      },
    },
  }
}

/** The address for reads, once there are replicas. The operator tells them by a label (`reconcile/pod-roles.ts`). */
export function postgresReplicaService({ owner, effective }: Target): Child<V1Service> | undefined {
  if (effective.instances === 1) return undefined
  const { name } = owner.metadata
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(owner, postgresReplicaName(name), 'postgres'),
    spec: {
      ports: named(effective, [port('postgres', ports.postgres)]),
      selector: { ...selectorLabels(name, 'postgres'), [labelKeys.role]: 'replica' },
    },
  }
}

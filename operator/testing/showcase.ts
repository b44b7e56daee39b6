/** For each kind of child a DataService that has one. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ChildKind } from '#operator/desired/children.ts'
import { isKindOfOthers, type KindOfOthers } from '#operator/desired/kinds-of-others.ts'
import { dataService, withSpec } from './data-service.ts'

/** Kinds of others are made only for those who ask. */
const wishes: Readonly<Record<KindOfOthers, Parameters<typeof withSpec>[0]>> = {
  KafkaTopic: { kafka: { strimzi: { cluster: 'main' } } },
  KafkaUser: { kafka: { strimzi: { cluster: 'main' } } },
  Cluster: { postgres: { cloudNativePG: {} } },
  Issuer: { security: { tls: 'CertManager' } },
  Certificate: { security: { tls: 'CertManager' } },
  PeerAuthentication: { security: { tls: 'Mesh' } },
  DestinationRule: { security: { tls: 'Mesh' } },
  TriggerAuthentication: { writer: { autoscaling: { mode: 'Lag', by: 'KEDA' } } },
  ScaledObject: { writer: { autoscaling: { mode: 'Lag', by: 'KEDA' } } },
}

/** The smallest one of them. */
export const serviceWith = (kind: ChildKind): DataService =>
  isKindOfOthers(kind) ? dataService(withSpec(wishes[kind])) : dataService()

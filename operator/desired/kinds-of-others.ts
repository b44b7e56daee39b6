/**
 * Kinds that other projects define, and what to install for them. Adding one is a row here, a builder and a row in the
 * table of children. Nothing is asked of the API server before a DataService uses the kind; where it is not served a
 * condition says so, and everything else goes on.
 */

export interface ResourceOfOthers {
  apiVersion: string
  plural: string
  namespaced: true
  /** Who defines it. */
  project: string
  /** What to install, for whoever lacks it. */
  install: string
}

const strimzi = {
  apiVersion: 'kafka.strimzi.io/v1',
  namespaced: true,
  project: 'Strimzi',
  install: 'Strimzi 1.0 or newer with its CRDs, which serve v1',
} as const

const certManager = {
  apiVersion: 'cert-manager.io/v1',
  namespaced: true,
  project: 'cert-manager',
  install: 'cert-manager, 1.15 or newer, with its CRDs',
} as const

const istio = { namespaced: true, project: 'Istio', install: 'Istio, 1.24 or newer, with its CRDs' } as const

const keda = {
  apiVersion: 'keda.sh/v1alpha1',
  namespaced: true,
  project: 'KEDA',
  install: 'KEDA, 2.17 or newer, with its CRDs',
} as const

export const kindsOfOthers = {
  KafkaTopic: { ...strimzi, plural: 'kafkatopics' },
  KafkaUser: { ...strimzi, plural: 'kafkausers' },
  Cluster: {
    apiVersion: 'postgresql.cnpg.io/v1',
    plural: 'clusters',
    namespaced: true,
    project: 'CloudNativePG',
    install: 'the CloudNativePG operator, 1.25 or newer, with its CRDs',
  },
  Issuer: { ...certManager, plural: 'issuers' },
  Certificate: { ...certManager, plural: 'certificates' },
  PeerAuthentication: { ...istio, apiVersion: 'security.istio.io/v1', plural: 'peerauthentications' },
  DestinationRule: { ...istio, apiVersion: 'networking.istio.io/v1', plural: 'destinationrules' },
  TriggerAuthentication: { ...keda, plural: 'triggerauthentications' },
  ScaledObject: { ...keda, plural: 'scaledobjects' },
} as const satisfies Record<string, ResourceOfOthers>

export type KindOfOthers = keyof typeof kindsOfOthers

export const isKindOfOthers = (kind: string): kind is KindOfOthers => Object.hasOwn(kindsOfOthers, kind)

/** `clusters.postgresql.cnpg.io`, as kubectl names the kind, too. */
export function fullNameOf(kind: KindOfOthers): string {
  const { plural, apiVersion } = kindsOfOthers[kind]
  return `${plural}.${apiVersion.slice(0, apiVersion.indexOf('/'))}`
}

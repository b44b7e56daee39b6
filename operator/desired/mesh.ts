/** What Istio is told where it protects the hops; the parts themselves are plain then. */
import { ports } from '#dataservice/contract/names.ts'
import { isManaged } from './engine-choice.ts'
import { kindsOfOthers } from './kinds-of-others.ts'
import { type Child, labelKeys, ownedMetadata } from './labels.ts'
import { type Part, partName, postgresPrimaryName, postgresReplicaName } from './names.ts'
import type { Target } from './target.ts'

/** Nobody gets in without a certificate of the mesh, but for those who look at probes and figures. */
export const peerAuthentication = ({
  owner,
}: Pick<Target, 'owner'>): Child<{ spec: Record<string, unknown> }> => ({
  apiVersion: kindsOfOthers.PeerAuthentication.apiVersion,
  kind: 'PeerAuthentication',
  metadata: ownedMetadata(owner, owner.metadata.name, 'mesh'),
  spec: {
    selector: {
      matchLabels: { [labelKeys.name]: 'dataservice', [labelKeys.instance]: owner.metadata.name },
    },
    mtls: { mode: 'STRICT' },
    portLevelMtls: { [ports.telemetry]: { mode: 'PERMISSIVE' } },
  },
})

/** Services that somebody asks, and what is spoken there. */
interface Destination {
  service: string
  part: Part
  speaks: 'http' | 'tcp'
}

const destinations = ({ owner: { metadata }, effective }: Target): Destination[] => [
  { service: partName(metadata.name, 'gateway'), part: 'gateway', speaks: 'http' },
  { service: partName(metadata.name, 'reader'), part: 'reader', speaks: 'http' },
  { service: partName(metadata.name, 'kafka'), part: 'kafka', speaks: 'tcp' },
  { service: partName(metadata.name, 'postgres'), part: 'postgres', speaks: 'tcp' },
  { service: postgresPrimaryName(metadata.name), part: 'postgres', speaks: 'tcp' },
  ...(effective.instances > 1
    ? [{ service: postgresReplicaName(metadata.name), part: 'postgres' as const, speaks: 'tcp' as const }]
    : []),
  { service: partName(metadata.name, 'redis'), part: 'redis', speaks: 'tcp' },
]

const tcp = { connectTimeout: '5s', tcpKeepalive: { time: '60s', interval: '10s', probes: 3 } }

/**
 * Beside the certificate. Pods of HTTP stand for each other, so one that cannot be reached gets a rest; its answers do not
 * count, because a 503 has its cause behind all of them. A broker or a database stands for itself. Connections that idle are
 * closed before the pod would do it (after 65 s).
 */
const policies: Readonly<Record<Destination['speaks'], object>> = {
  http: {
    connectionPool: { tcp, http: { http1MaxPendingRequests: 1024, idleTimeout: '60s' } },
    outlierDetection: {
      splitExternalLocalOriginErrors: true,
      consecutiveLocalOriginFailures: 5,
      consecutive5xxErrors: 0,
      consecutiveGatewayErrors: 0,
      interval: '5s',
      baseEjectionTime: '10s',
      maxEjectionPercent: 50,
    },
  },
  tcp: { connectionPool: { tcp } },
}

/** The host is a Service in the namespace of the rule. Pods by their names are asked by the rule of their Service, too. */
export const destinationRules = (target: Target): Child<{ spec: Record<string, unknown> }>[] =>
  destinations(target)
    .filter(({ part }) => isManaged(target.effective, part))
    .map(({ service, part, speaks }) => ({
      apiVersion: kindsOfOthers.DestinationRule.apiVersion,
      kind: 'DestinationRule',
      metadata: ownedMetadata(target.owner, service, part),
      spec: { host: service, trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' }, ...policies[speaks] } },
    }))

/** Deployments of the stateless parts. They never say how many pods: `decide` sets the number by the scale subresource. */
import type { V1Container, V1Deployment } from '@kubernetes/client-node'
import { ports } from '#dataservice/contract/names.ts'
import { certificateVolumes } from './certificates.ts'
import { encrypts } from './hop-modes.ts'
import { type Child, ownedMetadata, selectorLabels } from './labels.ts'
import { type DeployedPart, partName } from './names.ts'
import {
  podTemplate,
  probes,
  productUser,
  programContainer,
  programVolumes,
  redisCredential,
  serviceAccountOf,
  telemetryPort,
} from './pod.ts'
import type { Target } from './target.ts'
import { userSecrets, usesRedis } from './user-secrets.ts'

const httpPort = { name: 'http', containerPort: ports.http, protocol: 'TCP' }
const innerPort = { name: 'inner', containerPort: ports.inner, protocol: 'TCP' }

function portsOf(part: DeployedPart, effective: Target['effective']): NonNullable<V1Container['ports']> {
  if (part === 'writer') return [telemetryPort]
  const served = part === 'gateway' && encrypts(effective) ? [httpPort, innerPort] : [httpPort]
  return [...served, telemetryPort]
}

/** Drain (5 s), requests in flight and the flush of what is buffered have to fit in. */
const terminationGracePeriodSeconds = 35

/** One that is asleep is not made: a new one has a pod until it is told otherwise. */
export function deployment(target: Target, part: DeployedPart): Child<V1Deployment> | undefined {
  const { owner, effective, settings, asleep } = target
  const name = partName(owner.metadata.name, part)
  if (asleep.has(part) && target.observed('Deployment', name) === undefined) return undefined
  const secrets = [...userSecrets(target, part), ...certificateVolumes(target, part)]
  const ownRedis = usesRedis[part](owner.spec) && effective.providers.redis === 'managed'
  const program = programContainer(part, target)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: ownedMetadata(owner, name, part),
    spec: {
      selector: { matchLabels: selectorLabels(owner.metadata.name, part) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      revisionHistoryLimit: 3,
      template: podTemplate({
        owner,
        component: part,
        serviceAccount: serviceAccountOf(owner.metadata.name, part),
        overrides: effective.pods[part],
        configHash: part === 'gateway' ? settings.gateway.hash : settings.hash,
        user: productUser,
        isDeployed: true,
        spec: {
          terminationGracePeriodSeconds,
          containers: [
            {
              ...program,
              volumeMounts: [...(program.volumeMounts ?? []), ...secrets.map(({ mount }) => mount)],
              ...probes(),
              ports: portsOf(part, effective),
            },
          ],
          volumes: [
            ...programVolumes(part, target, ownRedis ? [redisCredential] : []),
            ...secrets.map(({ volume }) => volume),
          ],
        },
      }),
    },
  }
}

/** The operator against a real API server, for tests: as its own ServiceAccount with the permissions that are shipped. */
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { Registry } from 'prom-client'
import { type AuditEvent, requestsOf } from '#e2e/cluster/audit.ts'
import { controlPlane, kubectl } from '#e2e/control-plane/inject.ts'
import { operatorUser } from '#e2e/stack/install.ts'
import { accessFromEnvironment, accessFromKubeConfig } from '#operator/cluster/access.ts'
import { kubernetesCluster } from '#operator/cluster/kubernetes.ts'
import { silentLog } from '#operator/cluster/log.ts'
import type { ClusterPort, WatchPort } from '#operator/cluster/port.ts'
import type { ReflectorTiming } from '#operator/cluster/reflector.ts'
import { createTransport } from '#operator/cluster/transport.ts'
import { operatorMetrics } from '#operator/controller/metrics.ts'
import { type OperatorOptions, startOperator } from '#operator/operator.ts'
import { inMemoryReadiness } from '#operator/pods/in-memory.ts'
import type { ReadinessPort } from '#operator/pods/port.ts'
import { type InMemoryTopics, inMemoryTopics } from '#operator/topics/in-memory.ts'
import { root } from '#tools/workspace.ts'
import { images, testRevision } from './target.ts'

export interface ConnectedCluster {
  cluster: ClusterPort & WatchPort
  close(): Promise<void>
}

/** As a cluster administrator. */
export function asAdministrator(): ConnectedCluster {
  const transport = createTransport({
    access: accessFromEnvironment(controlPlane().kubeconfig),
    version: 'test',
  })
  return { cluster: kubernetesCluster({ transport, log: silentLog }), close: () => transport.close() }
}

/** As the operator's ServiceAccount, with what `config/default` grants. */
async function asOperator(timing: Partial<ReflectorTiming> = {}): Promise<ConnectedCluster> {
  await kubectl(['apply', '--kustomize', join(root, 'config', 'default')])
  const token = await kubectl([
    '-n',
    'dataservice-system',
    'create',
    'token',
    'dataservice-operator',
    '--duration=1h',
  ])
  const admin = new KubeConfig()
  admin.loadFromFile(controlPlane().kubeconfig)
  const config = new KubeConfig()
  const server = admin.getCurrentCluster()
  if (server === null) throw new Error('the kubeconfig of the control plane names no cluster')
  config.loadFromClusterAndUser(server, { name: 'operator', token: token.trim() })
  const transport = createTransport({ access: accessFromKubeConfig(config), version: 'test' })
  return { cluster: kubernetesCluster({ transport, log: silentLog, timing }), close: () => transport.close() }
}

export interface RunningOperator {
  topics: InMemoryTopics
  stop(): Promise<void>
}

interface RunOptions extends Pick<OperatorOptions, 'certificateLives'> {
  classes?: boolean
  revision?: string
  maxRolling?: number
}

/** Starts the operator for one namespace and waits until it works. Kafka's administration and the pods are twins. */
export async function runOperator(
  namespace: string,
  readiness: ReadinessPort = inMemoryReadiness(),
  { classes = true, revision = testRevision, maxRolling = 1, ...more }: RunOptions = {},
): Promise<RunningOperator> {
  const connected = await asOperator({ unservedMs: 1_000 })
  const topics = inMemoryTopics()
  const controller = startOperator({
    cluster: connected.cluster,
    topics,
    readiness,
    images,
    revision,
    maxRolling,
    metrics: operatorMetrics(new Registry()),
    log: silentLog,
    workers: 2,
    classes,
    resyncMs: 600_000,
    namespace,
    ...more,
  })
  await controller.started
  return {
    topics,
    stop: async () => {
      await controller.stop()
      await connected.close()
    },
  }
}

/** Finished requests of the operator that concern a namespace, in order. */
export async function operatorRequests(namespace: string): Promise<AuditEvent[]> {
  const requests = await requestsOf(controlPlane().auditLog, operatorUser)
  return requests.filter(({ objectRef }) => objectRef?.namespace === namespace)
}

/** The fewest and smallest pods that make a whole path: what a scenario needs when it brings its own DataService. */
import { expect } from 'vitest'
import type { Cluster } from '#e2e/cluster/handle.ts'
import { type ServiceRef, waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { settledIn } from './settled.ts'

/** Little CPU is asked for, so that many of them fit on the nodes of one machine. */
export const small = { resources: { requests: { cpu: '50m' } } }
const fixed = { autoscaling: { mode: 'Off' }, ...small }
const text = { type: 'string', maxLength: 16 }
/** Takes the sample's flights. */
export const record = {
  schema: {
    type: 'object',
    required: ['origin', 'destination'],
    properties: { origin: text, destination: text },
  },
  key: '/origin',
}

/** Postgres takes its buffers from what memory it asks for. */
const smallPostgres = { resources: { requests: { cpu: '50m', memory: '256Mi' } } }

/** `changes` replace whole fields of the spec. */
const smallService = (metadata: ServiceRef, changes: object = {}): object => ({
  apiVersion: 'dataservice.dev/v1alpha1',
  kind: 'DataService',
  metadata,
  spec: {
    replicas: 1,
    record,
    gateway: fixed,
    writer: { replicas: 1, ...small },
    reader: { replicas: 1, ...fixed },
    kafka: { managed: { storage: { size: '1Gi' }, ...small }, topic: { partitions: 2 } },
    postgres: { managed: { storage: { size: '1Gi' }, ...smallPostgres } },
    redis: { managed: small },
    ...changes,
  },
})

/** Declares it in a namespace that is made for it. */
export async function declare(cluster: Cluster, service: ServiceRef, changes: object = {}): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: service.namespace, labels } }
  const items = [namespace, smallService(service, changes)]
  await cluster.kubectl(['apply', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  })
}

/** Deletes a namespace: what we make in it is gone within a minute, and it does not hold the namespace up. */
export async function removeNamespace(cluster: Cluster, namespace: string): Promise<void> {
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false'])
  await settledIn(60_000, async () =>
    expect(await cluster.kubectl(['-n', namespace, 'get', 'dsvc,pods', '-o', 'name'])).toBe(''),
  )
  // Its controller looks again after half of what its pods were given to end, then half of what is left, and so on.
  await cluster.kubectl(['wait', '--for=delete', `namespace/${namespace}`, '--timeout=90s'])
}

/** Waits until it serves, telling what it waits for; answers the seconds it took. */
export async function whenReady(cluster: Cluster, service: ServiceRef): Promise<number> {
  const began = Date.now()
  const onChange = (message: string) => step(`  ${service.name}: ${message}`)
  await waitUntilReady(cluster, service, { timeoutMs: 600_000, onChange })
  return (Date.now() - began) / 1000
}

/** A DataService with three brokers and a replica. It takes long to start, so two scenarios share it. */
import type { Cluster } from '#e2e/cluster/handle.ts'
import type { ServiceRef } from '#e2e/stack/service.ts'
import { declare, small } from './small-service.ts'

export const clustered: ServiceRef = { namespace: 'clustered', name: 'ledger' }

/**
 * What the brokers ask for: at first, and after a change that restarts them. Under load a pod gets time in proportion
 * to its request, and one that asks for next to nothing takes minutes to start.
 */
export const brokerCpu = { first: '150m', changed: '160m' } as const

/** Declares it, or changes the one that is there. `changes` replace whole fields of the spec. */
export function declareClustered(cluster: Cluster, cpu: string, changes: object = {}): Promise<void> {
  const storage = { size: '1Gi' }
  const resources = { requests: { cpu } }
  return declare(cluster, clustered, {
    kafka: { managed: { brokers: 3, storage, resources }, topic: { partitions: 3 } },
    postgres: { managed: { instances: 2, storage, ...small } },
    ...changes,
  })
}

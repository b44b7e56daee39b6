/** The stack that all `node` tests share: cluster `test` with the operator and the sample DataService. */
import { inject } from 'vitest'
import { clusterUp } from '#e2e/cluster/cluster.ts'
import type { Cluster } from '#e2e/cluster/handle.ts'

export const testCluster = { name: 'test', nodes: 3 }

export interface StackAddress {
  /** HTTP address of the sample's gateway Service. */
  gateway: string
}

declare module 'vitest' {
  interface ProvidedContext {
    stack: StackAddress
  }
}

let known: Promise<Cluster> | undefined

/** The cluster that the global set-up brought up. */
export function cluster(): Promise<Cluster> {
  known ??= clusterUp(testCluster)
  return known
}

export const gatewayUrl = (): string => inject('stack').gateway

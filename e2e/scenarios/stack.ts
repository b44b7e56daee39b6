/** The stack that all `node` tests share: cluster `test` with the operator and both sample DataServices. */
import { inject } from 'vitest'
import { clusterUp } from '#e2e/cluster/cluster.ts'
import type { Cluster } from '#e2e/cluster/handle.ts'

/** Faults, captures and the audit log need its processes and its nodes' files, also where Docker runs. */
export const testCluster = { name: 'test', nodes: 3, kind: 'embedded' } as const

/** What the operator gives the pods to take up new certificates. */
export const settleSeconds = 60

export interface StackAddress {
  /** HTTP addresses of the samples' gateway Services. */
  flights: string
  earthquakes: string
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

export const gatewayUrl = (sample: keyof StackAddress = 'flights'): string => inject('stack')[sample]

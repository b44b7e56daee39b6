/**
 * A real Kubernetes for the demo, for tests and for people, wherever it runs.
 * A given one is used as it is; else kind where Docker runs; else the embedded cluster.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isInstalled, run } from '#tools/shell.ts'
import type { AutoscalerDelays } from './control-plane.ts'
import {
  clustersFolder,
  embeddedClusters,
  embeddedDown,
  embeddedLeftovers,
  embeddedStatus,
  embeddedUp,
  type ProcessStatus,
} from './embedded.ts'
import { embeddedCluster } from './embedded-cluster.ts'
import { givenCluster } from './given.ts'
import type { Cluster, Given } from './handle.ts'
import { isKindOfOurs, kindDown, kindUp } from './kind.ts'
import { checkName } from './layout.ts'

export const defaultName = 'dev'
const defaultNodes = 3

export interface ClusterOptions {
  name?: string
  nodes?: number
  /** Use this kubeconfig instead of a cluster of our own; default: the environment's KUBECONFIG. */
  kubeconfig?: string
  /** Use this context of the given kubeconfig. */
  context?: string
  /** This kind whatever is given or runs here; default: the first that can be had. */
  kind?: 'embedded'
  /** How soon autoscalers act; short by default. Only for an embedded cluster that is not up yet. */
  autoscaler?: AutoscalerDelays
}

/** Brings a cluster up, or checks that it is. Rejects with the remedy or with the logs to read. */
export async function clusterUp(options: ClusterOptions = {}): Promise<Cluster> {
  const { name = defaultName, nodes } = options
  checkName(name)
  const choice = await choose(options)
  switch (choice.kind) {
    case 'given':
      return givenCluster(name, choice)
    case 'kind':
      return kindUp(name, nodes ?? defaultNodes)
    case 'embedded':
      return embeddedCluster(
        await embeddedUp({
          name,
          nodes: nodes ?? nodesOf(name) ?? defaultNodes,
          ...(options.autoscaler && { delays: options.autoscaler }),
        }),
      )
  }
}

/** Takes a cluster of ours down; a given one is left alone. Rejects when something of it remains. */
export async function clusterDown(name: string = defaultName): Promise<void> {
  checkName(name)
  const left = await embeddedDown(name)
  if (left.length > 0) throw new Error([`cluster ${name} left these behind:`, ...left].join('\n'))
  if (isKindOfOurs(name)) await kindDown(name)
}

/**
 * What of an embedded cluster is on this machine: processes, mounts, links, routes, iptables rules, cgroups,
 * one line each. None for a cluster that is down.
 */
export async function clusterLeftovers(name: string): Promise<readonly string[]> {
  checkName(name)
  return embeddedLeftovers(name)
}

export interface ClusterStatus {
  name: string
  kind: 'embedded' | 'none'
  kubeconfig?: string
  auditLog?: string
  nodes?: number
  processes: readonly ProcessStatus[]
}

/** What runs of an embedded cluster; kind has its own commands for that. */
export function clusterStatus(name: string = defaultName): ClusterStatus {
  checkName(name)
  const found = embeddedStatus(name)
  if (!found) return { name, kind: 'none', processes: [] }
  const { kubeconfig, auditLog, nodes } = found.layout
  return { name, kind: 'embedded', kubeconfig, auditLog, nodes: nodes.length, processes: found.processes }
}

/** Whether any embedded cluster is up, or was not taken down. */
export const isEmbeddedUp = (): boolean => embeddedClusters().length > 0

export type Choice = ({ kind: 'given' } & Given) | { kind: 'kind' } | { kind: 'embedded' }

async function choose({ kind, kubeconfig, context }: ClusterOptions): Promise<Choice> {
  if (kind !== undefined) return { kind }
  const given = givenBy({
    kubeconfig: kubeconfig ?? process.env['KUBECONFIG'],
    context,
    ours: clustersFolder(),
  })
  if (given) return { kind: 'given', ...given }
  return (await isDockerRunning()) ? { kind: 'kind' } : { kind: 'embedded' }
}

/**
 * PURE: the cluster a user gave, if any. `up` asks people to export the kubeconfig of a cluster of ours;
 * that one must not count as given, or the next command would not know it again.
 */
export function givenBy(input: {
  kubeconfig: string | undefined
  context: string | undefined
  /** The folder of the clusters of ours. */
  ours: string
}): Given | undefined {
  const { kubeconfig, context, ours } = input
  const isForeign = kubeconfig !== undefined && kubeconfig !== '' && !kubeconfig.startsWith(join(ours, '/'))
  if (!isForeign && context === undefined) return undefined
  return { ...(isForeign && { kubeconfig }), ...(context !== undefined && { context }) }
}

async function isDockerRunning(): Promise<boolean> {
  if (!(await isInstalled('docker'))) return false
  return run('docker', ['info'], { timeoutMs: 10_000 }).then(
    () => true,
    () => false,
  )
}

/** The number of nodes of a cluster that is up, so that asking again need not name it. */
function nodesOf(name: string): number | undefined {
  const found = embeddedStatus(name)
  return found && existsSync(found.layout.kubeconfig) ? found.layout.nodes.length : undefined
}

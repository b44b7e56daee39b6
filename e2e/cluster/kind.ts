/**
 * kind, where a Docker engine runs. It was not run where this was written, which has none.
 * What is missing of `kind` and kubectl is built from Go modules.
 */
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run } from '#tools/shell.ts'
import { cacheFolder } from '#tools/workspace.ts'
import { findKubectl } from './given.ts'
import type { Cluster } from './handle.ts'
import { ensureKind } from './kind-program.ts'

export async function kindUp(name: string, nodes: number): Promise<Cluster> {
  const kind = await ensureKind()
  const kubeconfig = kubeconfigOf(name)
  const kubectl = await findKubectl()
  await mkdir(dirname(kubeconfig), { recursive: true })
  const existing = (await run(kind, ['get', 'clusters'])).split('\n')
  if (!existing.includes(name)) {
    const config = configOf(name)
    await writeFile(config, JSON.stringify(kindConfig(nodes)))
    await run(kind, ['create', 'cluster', '--name', name, '--config', config, '--wait', '180s'])
  }
  await run(kind, ['export', 'kubeconfig', '--name', name, '--kubeconfig', kubeconfig])
  return {
    name,
    kind: 'kind',
    kubeconfig,
    binFolder: dirname(kubectl),
    metricsReady: Promise.resolve(),
    importImage: async (_reference, archive) => {
      await run(kind, ['load', 'image-archive', archive, '--name', name])
    },
    kubectl: (args, options) => run(kubectl, ['--kubeconfig', kubeconfig, ...args], options),
    nodeExec: (node, argv) => run('docker', ['exec', node, ...argv]),
  }
}

export async function kindDown(name: string): Promise<void> {
  const kind = await ensureKind()
  await run(kind, ['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfigOf(name)])
  await rm(configOf(name), { force: true })
}

/** Whether this name was made here; one that its user made with kind is left alone. */
export const isKindOfOurs = (name: string): boolean => existsSync(configOf(name))

/** PURE: a control plane and the wanted nodes, one zone each. */
export function kindConfig(nodes: number): unknown {
  const workers = Array.from({ length: nodes }, (_, number) => ({
    role: 'worker',
    labels: { 'topology.kubernetes.io/zone': `zone-${number}` },
  }))
  return {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    nodes: [{ role: 'control-plane' }, ...workers],
  }
}

const configOf = (name: string): string => join(cacheFolder('clusters'), name, 'kind.json')
const kubeconfigOf = (name: string): string => join(cacheFolder('clusters'), name, 'kubeconfig')

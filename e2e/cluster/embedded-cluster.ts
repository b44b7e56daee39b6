/** The embedded cluster as others see it. */
import { join } from 'node:path'
import { run } from '#tools/shell.ts'
import type { EmbeddedCluster } from './embedded.ts'
import type { Cluster } from './handle.ts'
import { importImage } from './images.ts'
import type { NodeLayout } from './layout.ts'
import { nodeCommand } from './node.ts'

export function embeddedCluster({ layout, binFolder, metricsReady }: EmbeddedCluster): Cluster {
  const find = (name: string): NodeLayout => {
    const node = layout.nodes.find(candidate => candidate.name === name)
    if (!node) throw new Error(`cluster ${layout.name} has no node ${name}`)
    return node
  }
  return {
    name: layout.name,
    kind: 'embedded',
    kubeconfig: layout.kubeconfig,
    binFolder,
    auditLog: layout.auditLog,
    runFolder: layout.runFolder,
    metricsReady,
    importImage: (reference, archive) => importImage(layout, reference, archive),
    kubectl: (args, options) =>
      run(join(binFolder, 'kubectl'), ['--kubeconfig', layout.kubeconfig, ...args], options),
    nodeExec: (node, argv) => run(...nodeCommand(layout, find(node), argv)),
  }
}

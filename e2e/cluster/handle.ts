/** What a caller holds of a cluster, whichever kind it is. */

export interface Cluster {
  name: string
  kind: 'given' | 'kind' | 'embedded'
  /** Path of the kubeconfig. */
  kubeconfig: string
  /** Folder with kubectl. */
  binFolder: string
  /** Path of the API server's audit log, one JSON event a line. Only the embedded cluster has one at hand. */
  auditLog?: string
  /** Logs, certificates and data. Only the embedded cluster has one. */
  runFolder?: string
  /** Resolves when `kubectl top` and autoscalers have their source; nothing else waits for it. */
  metricsReady: Promise<void>
  /** Gives a docker-archive to every node that lacks this very image. Rejects when the name is not in it. */
  importImage(reference: string, archive: string): Promise<void>
  /** Runs kubectl on this cluster; answers its standard output. */
  kubectl(args: readonly string[], options?: { input?: string }): Promise<string>
  /** Runs a program in the namespaces of a node; answers its standard output. Only the embedded cluster can. */
  nodeExec(node: string, argv: readonly [string, ...string[]]): Promise<string>
}

export interface Given {
  kubeconfig?: string
  context?: string
}

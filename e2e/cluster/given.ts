/** A cluster that the user brings: nothing of it is ours but what is applied to it. */
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { run } from '#tools/shell.ts'
import { ensureBinaries } from './binaries.ts'
import type { Cluster, Given } from './handle.ts'

/** Answers the given cluster. Rejects when its API server does not answer. */
export async function givenCluster(name: string, { kubeconfig, context }: Given): Promise<Cluster> {
  const path = kubeconfig ?? join(homedir(), '.kube', 'config')
  const kubectl = await findKubectl()
  const base = [
    ...(path.includes(delimiter) ? [] : ['--kubeconfig', path]),
    ...(context ? ['--context', context] : []),
  ]
  const call: Cluster['kubectl'] = (args, options) => run(kubectl, [...base, ...args], options)
  await call(['get', '--raw', '/readyz', '--request-timeout=10s']).catch(cause => {
    throw new Error(
      `the given cluster does not answer: check ${path}${context ? ` and context ${context}` : ''}`,
      {
        cause,
      },
    )
  })
  return {
    name,
    kind: 'given',
    kubeconfig: path,
    binFolder: dirname(kubectl),
    metricsReady: Promise.resolve(),
    importImage: (reference, archive) =>
      Promise.reject(
        new Error(
          `nobody but you can bring ${reference} to a given cluster: push ${archive} to a registry it pulls from`,
        ),
      ),
    kubectl: call,
    nodeExec: () => Promise.reject(new Error('the nodes of a given cluster are not ours to enter')),
  }
}

/** The installed kubectl, else the one we build. */
export async function findKubectl(): Promise<string> {
  const installed = await run('sh', ['-c', 'command -v kubectl']).catch(() => '')
  return installed.trim() || join(await ensureBinaries('kubernetes'), 'kubectl')
}

/** The HTTP address of a Service as this machine reaches it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Cluster } from '#e2e/cluster/handle.ts'

export interface Address {
  url: string
  close(): void
}

/** The Service's own address where the cluster's network reaches this machine, else a port-forward. */
export async function serviceAddress(cluster: Cluster, namespace: string, service: string): Promise<Address> {
  if (cluster.kind === 'embedded') {
    const ip = await cluster.kubectl([
      '-n',
      namespace,
      'get',
      `service/${service}`,
      '-o',
      'jsonpath={.spec.clusterIP}',
    ])
    return { url: `http://${ip.trim()}`, close: () => {} }
  }
  return portForward(cluster, namespace, service)
}

async function portForward(cluster: Cluster, namespace: string, service: string): Promise<Address> {
  const args = [
    '--kubeconfig',
    cluster.kubeconfig,
    '-n',
    namespace,
    'port-forward',
    `service/${service}`,
    ':http',
  ]
  const child = spawn(`${cluster.binFolder}/kubectl`, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(() => {
      throw new Error(`kubectl port-forward to ${service} ended; its message is above`)
    }),
  ])) as [string]
  const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1]
  return { url: `http://127.0.0.1:${port}`, close: () => child.kill() }
}

/** PURE: every name, address and path of an embedded cluster, derived from its name and its index. */
import { join } from 'node:path'

/** Clusters that fit beside each other in 10.160.0.0 to 10.249.255.255. */
export const clusterLimit = 30
export const nodeLimit = 9
const firstOctet = 160
const namePattern = /^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/

export interface NodeLayout {
  name: string
  zone: string
  address: string
  podRange: string
  /** The end of the node's link that stays on the host, a port of the bridge. */
  link: string
  /** On the host. What the node itself sees is in `inNode`. */
  folder: string
  cgroup: string
}

export interface Layout {
  name: string
  index: number
  runFolder: string
  logFolder: string
  pkiFolder: string
  kubeconfig: string
  auditLog: string
  bridge: string
  /** The host's end of the node network: API server, DNS and metrics-server answer here. */
  hostAddress: string
  nodeRange: string
  podRange: string
  serviceRange: string
  /** The first address of the service range: the `kubernetes` Service. */
  apiServiceAddress: string
  dnsServiceAddress: string
  /** A loopback address of this cluster's own, so that the standard ports never clash. */
  loopback: string
  apiServer: string
  /** A path below each cgroup hierarchy. */
  cgroup: string
  nodes: readonly NodeLayout[]
}

/** Paths inside every node: its mount namespace puts its own folders there, so all nodes are alike. */
export const inNode = {
  state: '/run/node',
  binaries: '/run/bin',
  pki: '/run/pki',
  containerdSocket: '/run/containerd/containerd.sock',
  volumes: '/run/node/volumes',
} as const

export interface LayoutInput {
  name: string
  /** Which of the address ranges; stable for a name, see `allocation.ts`. */
  index: number
  nodes: number
  /** The folder that holds all clusters. */
  clustersFolder: string
}

/** Throws on a name, an index or a number of nodes that cannot be. */
export function layout({ name, index, nodes, clustersFolder }: LayoutInput): Layout {
  checkName(name)
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > nodeLimit)
    throw new Error(`a cluster has 1 to ${nodeLimit} nodes, not ${nodes}`)
  if (index < 0 || index >= clusterLimit) throw new Error(`no address range with index ${index}`)
  const octet = firstOctet + 3 * index
  const runFolder = join(clustersFolder, name)
  const cgroup = `dataservice-${name}`
  const hostAddress = `10.${octet}.0.1`
  return {
    name,
    index,
    runFolder,
    logFolder: join(runFolder, 'log'),
    pkiFolder: join(runFolder, 'pki'),
    kubeconfig: join(runFolder, 'kubeconfig'),
    auditLog: join(runFolder, 'log', 'audit.log'),
    bridge: `dsvc${index}`,
    hostAddress,
    nodeRange: `10.${octet}.0.0/24`,
    podRange: `10.${octet + 1}.0.0/16`,
    serviceRange: `10.${octet + 2}.0.0/16`,
    apiServiceAddress: `10.${octet + 2}.0.1`,
    dnsServiceAddress: `10.${octet + 2}.0.10`,
    loopback: `127.77.${index}.1`,
    apiServer: `https://${hostAddress}:6443`,
    cgroup,
    nodes: Array.from({ length: nodes }, (_, number) => ({
      name: `node-${number}`,
      zone: `zone-${number}`,
      address: `10.${octet}.0.${10 + number}`,
      podRange: `10.${octet + 1}.${number}.0/24`,
      link: `dsvc${index}n${number}`,
      folder: join(runFolder, `node-${number}`),
      cgroup: join(cgroup, `node-${number}`),
    })),
  }
}

/** Throws unless the name can be part of a cgroup, a folder and a kind cluster. */
export function checkName(name: string): void {
  if (!namePattern.test(name))
    throw new Error(
      `'${name}' cannot be a cluster's name: use up to 20 lower-case letters, digits and dashes, a letter first`,
    )
}

/**
 * The embedded cluster: control plane on the host, nodes in namespaces, everything from Go modules and
 * Debian packages. `up` brings up each part that is not there, so it also repairs; `down` removes all of it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock } from '#tools/lock.ts'
import { ensurePackages, type Programs } from '#tools/packages.ts'
import { step } from '#tools/progress.ts'
import { cacheFolder } from '#tools/workspace.ts'
import * as addon from './addons.ts'
import { allocateLayout, findLayout, knownNames } from './allocation.ts'
import { ensureBinaries } from './binaries.ts'
import { removeCgroup, trackedFolder } from './cgroups.ts'
import { type AutoscalerDelays, shortDelays } from './control-plane.ts'
import * as host from './host-side.ts'
import { importPauseImage } from './images.ts'
import { type Layout, nodeLimit } from './layout.ts'
import { leftovers, namespaceUsers } from './leftovers.ts'
import { ensureBridge, ensureHostRoutes, removeNetwork } from './network.ts'
import {
  ensureNodeAgents,
  ensureNodeFirewall,
  ensureNodeRuntime,
  isNodeRunning,
  logOf,
  processNames,
  retireNode,
} from './node.ts'
import { parseNodes, readyNodes } from './node-status.ts'
import { killAll, killCgroup, pidFileOf, runningProcess, startTime } from './processes.ts'
import { waitFor } from './waiting.ts'

/** What the nodes and the builds need from the distribution. */
const programs: Programs = {
  containerd: 'containerd',
  runc: 'runc',
  '/usr/lib/cni/bridge': 'containernetworking-plugins',
  iptables: 'iptables',
  nft: 'nftables',
  ip: 'iproute2',
  ipset: 'ipset',
  conntrack: 'conntrack',
  ethtool: 'ethtool',
  socat: 'socat',
  openssl: 'openssl',
  mount: 'mount',
}

export interface EmbeddedOptions {
  name: string
  nodes: number
  delays?: AutoscalerDelays
}

export interface EmbeddedCluster {
  layout: Layout
  /** Folder with kubectl and nothing else, fit for a PATH. */
  binFolder: string
  /** Resolves when metrics-server runs. Its build is the longest and nothing else waits for it. */
  metricsReady: Promise<void>
}

/** What the run folder remembers of the last `up`. */
interface Shape {
  nodes: number
}

export function clustersFolder(): string {
  return cacheFolder('clusters')
}

/** Brings the cluster up, or back to health. Rejects when it runs with another number of nodes. */
export async function embeddedUp({ name, nodes, delays }: EmbeddedOptions): Promise<EmbeddedCluster> {
  refuseUnlessRootOnLinux()
  await ensurePackages({ programs })
  const binaries = await ensureBinaries('kubernetes')
  const layout = await allocateLayout(clustersFolder(), name, nodes)
  const later = { dns: ensureBinaries('coredns'), firewall: ensureBinaries('kube-router') }
  for (const build of Object.values(later)) build.catch(() => {}) // awaited below; until then a failure is not unheard of
  await withLock(lockFile(layout), async () => {
    await rememberShape(layout)
    if (await isHealthy(layout)) return step(`cluster ${name} is up already: ${nodes} nodes`)
    await bringUp(layout, binaries, delays ?? shortDelays)
    await host.startAddon(layout, addon.dns(layout, await later.dns))
    const firewall = join(await later.firewall, 'kube-router')
    await Promise.all(layout.nodes.map(node => ensureNodeFirewall(layout, node, firewall)))
    await waitForNodes(layout)
    step(`cluster ${name} is up: ${nodes} nodes`)
  })
  const metricsReady = addMetrics(layout)
  metricsReady.catch(() => {}) // whoever wants to know awaits it
  return { layout, binFolder: await linkCommands(binaries), metricsReady }
}

/** A folder for people's PATH: the programs of the nodes do not belong there. */
async function linkCommands(binaries: string): Promise<string> {
  const folder = cacheFolder('bin')
  const target = join(binaries, 'kubectl')
  const link = join(folder, 'kubectl')
  if ((await readlink(link).catch(() => '')) !== target) {
    const fresh = `${link}.${process.pid}`
    await symlink(target, fresh)
    await rename(fresh, link)
  }
  return folder
}

/** Ends everything of the cluster. Data is gone; imported images stay for the next `up`. */
export async function embeddedDown(name: string): Promise<readonly string[]> {
  const layout = findLayout(clustersFolder(), name, nodeLimit)
  if (!layout) return []
  refuseUnlessRootOnLinux()
  return withLock(lockFile(layout), async () => {
    const users = namespaceUsers(layout)
    await Promise.all([
      ...layout.nodes.filter(node => existsSync(node.folder)).map(node => retireNode(layout, node)),
      host.stopHostSide(layout),
    ])
    await killCgroup(trackedFolder(layout.cgroup))
    await killAll(users)
    await removeNetwork(layout)
    await removeCgroup(layout.cgroup)
    const left = await leftovers(layout, users)
    if (left.length === 0) await removeFiles(layout)
    return left
  })
}

/** What of the cluster is on this machine now, one line each. */
export async function embeddedLeftovers(name: string): Promise<readonly string[]> {
  const layout = findLayout(clustersFolder(), name, nodeLimit)
  return layout ? leftovers(layout, namespaceUsers(layout)) : []
}

export interface ProcessStatus {
  name: string
  pid: number | undefined
  log: string
}

/** The processes of a cluster that was up and not down since; undefined for any other. */
export function embeddedStatus(
  name: string,
): { layout: Layout; processes: readonly ProcessStatus[] } | undefined {
  const known = findLayout(clustersFolder(), name, nodeLimit)
  const shape = known && readShape(known)
  const layout = shape && findLayout(clustersFolder(), name, shape.nodes)
  if (!layout) return undefined
  const names = [...host.hostProcesses, ...layout.nodes.flatMap(processNames)]
  const processes = names.map(process => ({
    name: process,
    pid: runningProcess(pidFileOf(layout.runFolder, process))?.pid,
    log: join(layout.logFolder, `${process}.log`),
  }))
  return { layout, processes }
}

/** Names of those that were up and not down since. */
export const embeddedClusters = (): string[] =>
  knownNames(clustersFolder()).filter(name => embeddedStatus(name) !== undefined)

async function bringUp(layout: Layout, binaries: string, delays: AutoscalerDelays): Promise<void> {
  const settings = host.controlPlaneOf(layout, binaries)
  await host.writeHostFiles(layout, settings)
  await ensureBridge(layout)
  step(`starting ${layout.name}: control plane and ${layout.nodes.length} nodes`)
  const runtimes = Promise.all(layout.nodes.map(node => ensureNodeRuntime(layout, node, binaries)))
  await Promise.all([
    host.startControlPlane(layout, settings, delays),
    runtimes.then(() => importPauseImage(layout, binaries)),
  ])
  await ensureHostRoutes(layout)
  await Promise.all([
    ...layout.nodes.map(node => ensureNodeAgents(layout, node)),
    host.applyAddonObjects(layout, join(binaries, 'kubectl')),
    host.startAddon(layout, addon.volumes(layout)),
  ])
}

/** True when every process runs, the API server is ready and every node says so of itself. */
async function isHealthy(layout: Layout): Promise<boolean> {
  const processes = host.hostProcesses.filter(process => process !== 'metrics-server') // comes later, see addMetrics
  const isRunning = processes.every(process => runningProcess(pidFileOf(layout.runFolder, process)))
  if (!isRunning || !layout.nodes.every(node => isNodeRunning(layout, node))) return false
  return areNodesReady(layout).catch(() => false)
}

async function waitForNodes(layout: Layout): Promise<void> {
  await waitFor(() => areNodesReady(layout), {
    what: 'all nodes to be Ready',
    timeoutMs: 90_000,
    logs: layout.nodes.map(node => logOf(layout, node, 'kubelet')),
  })
}

async function areNodesReady(layout: Layout): Promise<boolean> {
  const api = host.adminClient(layout)
  try {
    const startedAt = (node: string) => startTime(pidFileOf(layout.runFolder, `${node}-kubelet`))
    const ready = readyNodes(parseNodes(await api.call('GET', '/api/v1/nodes')), startedAt)
    return layout.nodes.every(({ name }) => ready.has(name))
  } finally {
    api.close()
  }
}

/** Runs after `up` has given the lock back, so somebody may have taken the cluster down in the meantime. */
async function addMetrics(layout: Layout): Promise<void> {
  const folder = await ensureBinaries('metrics-server')
  await withLock(lockFile(layout), async () => {
    if (host.hasControlPlane(layout)) await host.startAddon(layout, addon.metrics(layout, folder))
  })
}

async function rememberShape(layout: Layout): Promise<void> {
  const before = readShape(layout)
  const nodes = layout.nodes.length
  if (before && before.nodes !== nodes)
    throw new Error(
      `cluster ${layout.name} is up with ${before.nodes} nodes, not ${nodes}: take it down first (npm run cluster -- down --name ${layout.name})`,
    )
  await mkdir(layout.runFolder, { recursive: true })
  await writeFile(shapeFile(layout), JSON.stringify({ nodes } satisfies Shape))
}

function readShape(layout: Layout): Shape | undefined {
  if (!existsSync(shapeFile(layout))) return undefined
  return JSON.parse(readFileSync(shapeFile(layout), 'utf8')) as Shape
}

/** Everything but the images, which take long to import and are the same tomorrow. */
async function removeFiles(layout: Layout): Promise<void> {
  const keep = (entry: string) => layout.nodes.some(node => node.name === entry)
  for (const entry of existsSync(layout.runFolder) ? await readdir(layout.runFolder) : []) {
    const path = join(layout.runFolder, entry)
    if (!keep(entry)) await rm(path, { recursive: true, force: true })
    else
      for (const part of await readdir(path))
        if (part !== 'containerd') await rm(join(path, part), { recursive: true, force: true })
  }
}

function shapeFile(layout: Layout): string {
  return join(layout.runFolder, 'shape.json')
}

function lockFile(layout: Layout): string {
  return join(clustersFolder(), `${layout.name}.lock`)
}

function refuseUnlessRootOnLinux(): void {
  if (process.platform === 'linux' && process.getuid?.() === 0) return
  throw new Error(
    'no Kubernetes to use: give one (KUBECONFIG or --context), or start Docker so that kind can be used, ' +
      'or run this as root on Linux for the embedded cluster',
  )
}

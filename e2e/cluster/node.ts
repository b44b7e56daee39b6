/**
 * One node: a mount, network and host name namespace with containerd, kubelet and kube-proxy in it.
 *
 * The namespaces live as long as a process is in them. A holder that does nothing keeps them from the
 * start; once all processes of the node are killed, its mounts, links and iptables rules are gone as well.
 */
import { existsSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run } from '#tools/shell.ts'
import { makeNodeCgroups, nodeSideFile, trackedFolder } from './cgroups.ts'
import { inNode, type Layout, type NodeLayout } from './layout.ts'
import { connectNode } from './network.ts'
import * as config from './node-config.ts'
import {
  ensureRunning,
  enter,
  type Identity,
  killCgroup,
  pidFileOf,
  runningProcess,
  stop,
} from './processes.ts'
import { until, waitFor } from './waiting.ts'

const daemons = ['containerd', 'kubelet', 'kube-proxy', 'kube-router'] as const
type Daemon = (typeof daemons)[number]

/** Names of a node's processes, as in log and pid files. */
export function processNames(node: NodeLayout): readonly string[] {
  return ['holder', ...daemons].map(part => `${node.name}-${part}`)
}

/** Brings up namespaces and containerd. A node that lost its holder, or was left half made, starts afresh. */
export async function ensureNodeRuntime(layout: Layout, node: NodeLayout, binaries: string): Promise<void> {
  if (!preparedHolder(layout, node)) {
    await endNode(layout, node)
    await prepareNode(layout, node, binaries)
  }
  rmSync(tidyFile(node), { force: true })
  const containerd = await ensureDaemon(layout, node, 'containerd')
  await waitFor(() => ctr(layout, node, ['version']).then(Boolean, () => false), {
    what: `containerd of ${node.name}`,
    timeoutMs: 30_000,
    logs: [logOf(layout, node, 'containerd')],
    hopeless: () => (existsSync(`/proc/${containerd.pid}`) ? undefined : `containerd of ${node.name} ended`),
  })
}

/** True when the namespaces are whole and every daemon runs. */
export function isNodeRunning(layout: Layout, node: NodeLayout): boolean {
  const names = processNames(node)
  return (
    preparedHolder(layout, node) !== undefined &&
    names.every(name => runningProcess(pidFileOf(layout.runFolder, name)))
  )
}

/** Starts kubelet and kube-proxy; they find the API server by themselves. */
export async function ensureNodeAgents(layout: Layout, node: NodeLayout): Promise<void> {
  await ensureDaemon(layout, node, 'kubelet')
  await ensureDaemon(layout, node, 'kube-proxy')
}

/**
 * Starts what enforces NetworkPolicies; `program` is where the host has it. The node was prepared before that was built, so
 * it gets a copy.
 */
export async function ensureNodeFirewall(layout: Layout, node: NodeLayout, program: string): Promise<void> {
  const name = `${node.name}-kube-router`
  if (runningProcess(pidFileOf(layout.runFolder, name))) return
  await copyFile(program, join(node.folder, 'kube-router'))
  await ensureDaemon(layout, node, 'kube-router')
}

/**
 * Ends the node's pods in an orderly way, so that what containerd remembers fits what is there:
 * its images can then be used by the next `up`. When that is not possible, they are removed.
 */
export async function retireNode(layout: Layout, node: NodeLayout): Promise<void> {
  await stop(pidFileOf(layout.runFolder, `${node.name}-kubelet`), { patienceMs: 3_000 })
  const store = join(node.folder, 'containerd')
  const wasTidy = existsSync(tidyFile(node))
  const isTidy = wasTidy || (await removeContainers(layout, node).catch(() => false)) // it may not run
  await endNode(layout, node)
  if (!isTidy) await rm(store, { recursive: true, force: true })
  else if (!wasTidy) {
    await rm(join(store, 'io.containerd.grpc.v1.cri'), { recursive: true, force: true })
    await writeFile(tidyFile(node), '')
  }
}

/** Says that containerd ended without containers, so that its store holds images and nothing else. */
function tidyFile(node: NodeLayout): string {
  return join(node.folder, 'containerd', 'tidy')
}

/** Answers whether none is left. containerd's own cleaning is at work, too, so that either may come too late. */
function removeContainers(layout: Layout, node: NodeLayout): Promise<boolean> {
  const list = async (kind: string) =>
    (await ctr(layout, node, [kind, 'list', '--quiet'])).split('\n').filter(Boolean)
  const remove = async (kind: string, ...options: string[]) => {
    const names = await list(kind)
    if (names.length > 0) await ctr(layout, node, [kind, 'delete', ...options, ...names]).catch(() => {})
  }
  return until(
    async () => {
      await remove('tasks', '--force')
      await remove('containers')
      return (await list('containers')).length === 0
    },
    { timeoutMs: 5_000, everyMs: 100 },
  )
}

/** Kills everything that runs on the node, pods included; its disk stays. Answers how many would not die. */
async function endNode(layout: Layout, node: NodeLayout): Promise<number> {
  const left = await killCgroup(trackedFolder(node.cgroup))
  for (const name of processNames(node)) rmSync(pidFileOf(layout.runFolder, name), { force: true })
  rmSync(readyFile(node), { force: true })
  return left
}

/** The command line that runs `argv` on the node. Throws when the node is not running. */
export function nodeCommand(layout: Layout, node: NodeLayout, argv: readonly string[]): [string, string[]] {
  const holder = preparedHolder(layout, node)
  if (!holder) throw new Error(`${node.name} of cluster ${layout.name} is not running`)
  const [program, ...args] = enter(holder.pid)
  return [program, [...args, ...argv]]
}

/** Runs containerd's own client on the node, in the namespace that kubelet uses. */
export function ctr(layout: Layout, node: NodeLayout, args: readonly string[]): Promise<string> {
  const argv = ['ctr', `--address=${inNode.containerdSocket}`, '--namespace=k8s.io', ...args]
  return run(...nodeCommand(layout, node, argv))
}

export function logOf(layout: Layout, node: NodeLayout, daemon: Daemon): string {
  return join(layout.logFolder, `${node.name}-${daemon}.log`)
}

/** The holder, when it runs and its namespaces were prepared to the end. */
function preparedHolder(layout: Layout, node: NodeLayout): Identity | undefined {
  const holder = runningProcess(holderPidFile(layout, node))
  if (!holder || !existsSync(readyFile(node))) return undefined
  const isConnected = existsSync(`/sys/class/net/${layout.bridge}/brif/${node.link}`)
  return isConnected && readFileSync(readyFile(node), 'utf8') === holder.startTime ? holder : undefined
}

function readyFile(node: NodeLayout): string {
  return join(node.folder, 'prepared')
}

export function holderPidFile(layout: Layout, node: NodeLayout): string {
  return pidFileOf(layout.runFolder, `${node.name}-holder`)
}

async function prepareNode(layout: Layout, node: NodeLayout, binaries: string): Promise<void> {
  await writeNodeFiles(layout, node)
  makeNodeCgroups(layout, node)
  const holder = await ensureRunning({
    name: `${node.name}-holder`,
    argv: ['unshare', '--mount', '--net', '--uts', '--propagation=private', '--', 'sleep', 'infinity'],
    log: join(layout.logFolder, `${node.name}-holder.log`),
    pidFile: holderPidFile(layout, node),
    cgroupFiles: [nodeSideFile(node)],
  })
  await waitFor(() => hasOwnNamespaces(holder.pid), {
    what: `the namespaces of ${node.name}`,
    timeoutMs: 5_000,
    everyMs: 10,
    logs: [join(layout.logFolder, `${node.name}-holder.log`)],
  })
  const [program, ...args] = enter(holder.pid)
  const folders = [node.folder, binaries, layout.pkiFolder, join(node.folder, 'fake')]
  await run(program, [...args, 'sh', '-euc', mountScript, 'sh', node.name, ...folders])
  await connectNode(layout, node, holder.pid)
  await writeFile(readyFile(node), holder.startTime)
}

/** unshare has done its last step when it became the holder. */
function hasOwnNamespaces(pid: number): boolean {
  try {
    const own = ['mnt', 'net', 'uts'].every(
      kind => readlinkSync(`/proc/${pid}/ns/${kind}`) !== readlinkSync(`/proc/self/ns/${kind}`),
    )
    return own && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sleep'
  } catch {
    return false
  }
}

/**
 * Arguments: host name, the node's folder, programs, certificates, fake processors.
 * The new /run is put together beside the old one, as the folders may lie below it, and then moved over it.
 * Mounts are shared only inside the node: volumes that kubelet mounts have to show up in pods.
 * /var/lib is the node's own too: every kubelet listens in /var/lib/kubelet/device-plugins, and no setting moves it.
 */
const mountScript = `
echo "$1" > /proc/sys/kernel/hostname
mkdir -p "$2/run"
mount --no-mtab -t tmpfs -o mode=755 tmpfs "$2/run"
mkdir "$2/run/node" "$2/run/bin" "$2/run/pki" "$2/run/containerd"
mount --no-mtab --bind "$2" "$2/run/node"
mount --no-mtab --bind "$3" "$2/run/bin"
mount --no-mtab --bind "$4" "$2/run/pki"
mount --no-mtab --bind "$5/cpu" /sys/devices/system/cpu
mount --no-mtab --bind "$5/node" /sys/devices/system/node
mount --no-mtab --move "$2/run" /run
mount --no-mtab -t tmpfs -o mode=755 tmpfs /var/log
mount --no-mtab -t tmpfs -o mode=755 tmpfs /var/lib
mount --no-mtab --make-rshared /
`

async function writeNodeFiles(layout: Layout, node: NodeLayout): Promise<void> {
  const topology = config.processorTopology(config.announcedProcessors)
  const files: Record<string, string> = {
    [config.nodeFiles.containerd]: config.containerdConfig(),
    [config.nodeFiles.cni]: JSON.stringify(config.cniConfig(node)),
    [config.nodeFiles.kubelet]: JSON.stringify(config.kubeletConfig(layout, node)),
    [config.nodeFiles.kubeProxy]: JSON.stringify(config.kubeProxyConfig(layout, node)),
    [config.nodeFiles.resolvConf]: '', // no name outside the cluster can be reached, so none is asked for
    ...Object.fromEntries(Object.entries(topology).map(([path, text]) => [join('fake', path), text])),
  }
  await mkdir(join(node.folder, 'fake', 'node'), { recursive: true })
  await mkdir(join(node.folder, 'volumes'), { recursive: true })
  for (const [path, text] of Object.entries(files)) {
    const file = join(node.folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
}

async function ensureDaemon(layout: Layout, node: NodeLayout, daemon: Daemon): Promise<Identity> {
  const holder = preparedHolder(layout, node)
  if (!holder) throw new Error(`${node.name} is gone; run 'up' again`)
  return ensureRunning({
    name: `${node.name}-${daemon}`,
    argv: daemonCommands[daemon](node, layout),
    log: logOf(layout, node, daemon),
    pidFile: pidFileOf(layout.runFolder, `${node.name}-${daemon}`),
    cgroupFiles: [nodeSideFile(node)],
    namespacesOf: holder.pid,
  })
}

const daemonCommands: Record<Daemon, (node: NodeLayout, layout: Layout) => readonly [string, ...string[]]> = {
  containerd: () => ['containerd', `--config=${config.inNodeFile('containerd')}`],
  kubelet: node => [`${inNode.binaries}/kubelet`, ...config.kubeletArguments(node)],
  'kube-proxy': () => [`${inNode.binaries}/kube-proxy`, `--config=${config.inNodeFile('kubeProxy')}`],
  'kube-router': (node, layout) => [`${inNode.state}/kube-router`, ...config.firewallArguments(layout, node)],
}

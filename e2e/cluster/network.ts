/** Links and routes: one bridge on the host, one link to each node. Nothing else of the host is changed. */
import { existsSync } from 'node:fs'
import { isInstalled, run } from '#tools/shell.ts'
import type { Layout, NodeLayout } from './layout.ts'
import { enter } from './processes.ts'

/** A route of ours that only counts when the real one is gone: traffic for a dead cluster never leaves the machine. */
const fallbackMetric = '4096'

export function rangesOf({ nodeRange, podRange, serviceRange }: Layout): readonly string[] {
  return [nodeRange, podRange, serviceRange]
}

/** The host's side: the bridge with the address of the API server, and the fallback routes. */
export async function ensureBridge(layout: Layout): Promise<void> {
  if (!(await linkExists(layout.bridge))) {
    // Without an address of its own a bridge changes it with each port, and neighbours lose it for a while.
    const hardwareAddress = `02:77:00:00:${layout.index.toString(16).padStart(2, '0')}:01`
    await ip('link', 'add', layout.bridge, 'address', hardwareAddress, 'type', 'bridge')
  }
  await ip('address', 'replace', `${layout.hostAddress}/24`, 'dev', layout.bridge)
  await ip('link', 'set', layout.bridge, 'up')
  for (const range of rangesOf(layout))
    await ip('route', 'replace', 'unreachable', range, 'metric', fallbackMetric)
  await bringBridgeFilter()
}

/** Pods of one node that talk through a Service need the node's own rules applied to its bridge. */
async function bringBridgeFilter(): Promise<void> {
  if (existsSync('/proc/sys/net/bridge')) return
  if (await isInstalled('modprobe')) await run('modprobe', ['br_netfilter'])
  if (!existsSync('/proc/sys/net/bridge'))
    throw new Error('this kernel has no br_netfilter, which Services between pods of one node need')
}

/** Connects a node, whose network namespace is that of `holder`, and tells both sides the way. */
export async function connectNode(layout: Layout, node: NodeLayout, holder: number): Promise<void> {
  if (await linkExists(node.link)) await ip('link', 'delete', node.link)
  const { link, address } = node
  await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(holder))
  await ip('link', 'set', link, 'master', layout.bridge, 'up')
  const others = layout.nodes.filter(other => other !== node)
  const inside = [
    'link set lo up',
    'link set eth0 up',
    `address add ${address}/24 dev eth0`,
    ...others.map(other => `route add ${other.podRange} via ${other.address}`),
    // Only so that the address has a route at all; kube-proxy rewrites it before it could leave.
    `route add ${layout.serviceRange} via ${layout.hostAddress}`,
  ]
  await run(...within(holder, ['ip', '-batch', '-']), { input: `${inside.join('\n')}\n` })
  const settings = ['net/ipv4/ip_forward', 'net/bridge/bridge-nf-call-iptables']
  const script = settings.map(setting => `echo 1 > /proc/sys/${setting}`).join(' && ')
  await run(...within(holder, ['sh', '-c', script]))
}

/** The host's way to pods, and to Services through a node of its choice: any running one will do. */
export async function ensureHostRoutes(layout: Layout): Promise<void> {
  for (const { podRange, address } of layout.nodes) await ip('route', 'replace', podRange, 'via', address)
  const [first] = layout.nodes
  if (first) await ip('route', 'replace', layout.serviceRange, 'via', first.address)
}

/** Removes every link and route of the cluster. */
export async function removeNetwork(layout: Layout): Promise<void> {
  for (const link of [...layout.nodes.map(node => node.link), layout.bridge])
    if (await linkExists(link)) await ip('link', 'delete', link)
  for (const range of rangesOf(layout))
    await ip('route', 'delete', 'unreachable', range, 'metric', fallbackMetric).catch(() => {}) // was not there
}

function within(pid: number, argv: readonly string[]): [string, string[]] {
  const [program, ...args] = [...enter(pid), ...argv]
  return [program ?? '', args]
}

async function linkExists(link: string): Promise<boolean> {
  return existsSync(`/sys/class/net/${link}`)
}

async function ip(...args: string[]): Promise<void> {
  await run('ip', args)
}

/** What a cluster that is down must not leave on the machine; `down` looks, and so do the tests. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isInstalled, run } from '#tools/shell.ts'
import { cgroupFolders, trackedFolder } from './cgroups.ts'
import type { Layout } from './layout.ts'
import { rangesOf } from './network.ts'
import { holderPidFile } from './node.ts'
import { commandLine, type Identity, identify, isRunning, processesIn, runningProcess } from './processes.ts'

/**
 * Lines that name each thing of the cluster that is still there; none when all is gone.
 * Namespaces are there as long as one of their `users`, found before the nodes ended, is still running.
 */
export async function leftovers(layout: Layout, users: readonly Identity[] = []): Promise<readonly string[]> {
  const members = await processesIn(trackedFolder(layout.cgroup))
  const found = await Promise.all([
    members.map(pid => `process ${pid} ${commandLine(pid)}`),
    users.filter(isRunning).map(({ pid }) => `namespaces held by process ${pid} ${commandLine(pid)}`),
    mounts(layout),
    links(layout),
    routes(layout),
    iptablesRules(layout),
    cgroupFolders(layout.cgroup).map(folder => `cgroup ${folder}`),
  ])
  return found.flat()
}

/**
 * Every process in a namespace of a running node, also one that somebody brought there by hand.
 * To be asked before the nodes end: the kernel gives the number of a namespace that is gone to the next one.
 */
export function namespaceUsers(layout: Layout): readonly Identity[] {
  const own = new Set(namespacesOf('self'))
  const holders = layout.nodes.flatMap(node => runningProcess(holderPidFile(layout, node)) ?? [])
  const theirs = holders.flatMap(({ pid }) => namespacesOf(String(pid))).filter(space => !own.has(space))
  const ours = new Set(theirs)
  const pids = readdirSync('/proc').filter(entry => /^\d+$/.test(entry))
  return pids
    .filter(pid => namespacesOf(pid).some(space => ours.has(space)))
    .flatMap(pid => identify(Number(pid)) ?? [])
}

/** Like `mnt:[4026532177]`; none when the process is gone. */
function namespacesOf(pid: string): string[] {
  try {
    return ['mnt', 'net', 'uts'].map(kind => readlinkSync(`/proc/${pid}/ns/${kind}`))
  } catch {
    return []
  }
}

function mounts({ runFolder }: Layout): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.filter(line => line.includes(`${runFolder}/`)).map(line => `mount ${line}`)
}

function links({ bridge, index }: Layout): string[] {
  const pattern = new RegExp(`^(${bridge}|dsvc${index}n\\d+)$`)
  return readdirSync('/sys/class/net')
    .filter(link => pattern.test(link))
    .map(link => `link ${link}`)
}

async function routes(layout: Layout): Promise<string[]> {
  const lines = (await run('ip', ['route', 'show', 'table', 'all'])).split('\n')
  return lines.filter(line => mentions(layout, line)).map(line => `route ${line.trim()}`)
}

async function iptablesRules(layout: Layout): Promise<string[]> {
  if (!(await isInstalled('iptables-save'))) return []
  const lines = (await run('iptables-save', [])).split('\n')
  return lines.filter(line => mentions(layout, line)).map(line => `iptables rule ${line}`)
}

/** True when a line has an address in one of the cluster's ranges. */
function mentions(layout: Layout, line: string): boolean {
  return rangesOf(layout).some(range => line.includes(`${range.split('.').slice(0, 2).join('.')}.`))
}

/** What a cluster that is down must not leave on the machine; `down` looks, and so do the tests. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { isInstalled, run } from '#tools/shell.ts'
import { cgroupFolders, trackedFolder } from './cgroups.ts'
import type { Layout } from './layout.ts'
import { rangesOf } from './network.ts'
import { commandLine, processesIn } from './processes.ts'

/** Lines that name each thing of the cluster that is still there; none when all is gone. */
export async function leftovers(layout: Layout): Promise<readonly string[]> {
  const found = await Promise.all([
    processesIn(trackedFolder(layout.cgroup)).then(pids =>
      pids.map(pid => `process ${pid} ${commandLine(pid)}`),
    ),
    namespaces(layout),
    mounts(layout),
    links(layout),
    routes(layout),
    iptablesRules(layout),
    cgroupFolders(layout.cgroup).map(folder => `cgroup ${folder}`),
  ])
  return found.flat()
}

/** Where the nodes' namespaces are remembered, one `kind:[inode]` a line, from their making to the end of `down`. */
export function namespacesFile(runFolder: string): string {
  return join(runFolder, 'namespaces')
}

/** Processes in a namespace of ours, whoever started them. */
function namespaces({ runFolder }: Layout): string[] {
  const ours = new Set(readLines(namespacesFile(runFolder)))
  if (ours.size === 0) return []
  const pids = readdirSync('/proc').filter(entry => /^\d+$/.test(entry))
  return pids.flatMap(pid =>
    ['net', 'mnt', 'uts'].flatMap(kind => {
      const namespace = readLink(`/proc/${pid}/ns/${kind}`)
      return ours.has(namespace) ? [`namespace ${namespace} held by process ${pid}`] : []
    }),
  )
}

/** Mounts of files of the cluster, and named namespaces: both show in the mount table. */
function mounts({ runFolder }: Layout): string[] {
  const ours = readLines(namespacesFile(runFolder))
  return readLines('/proc/self/mountinfo')
    .filter(line => line.includes(`${runFolder}/`) || ours.some(namespace => line.includes(namespace)))
    .map(line => `mount ${line}`)
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

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return [] // a cluster that never came up has none
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return '' // the process is gone
  }
}

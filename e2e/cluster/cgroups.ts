/** The control groups of a cluster: kubelet counts and limits in them, and we know our processes by them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '#tools/shell.ts'
import type { Layout, NodeLayout } from './layout.ts'
import { until } from './waiting.ts'

export interface Hierarchy {
  version: 1 | 2
  mountPoint: string
}

/** PURE: the mounted hierarchies, out of /proc/self/mountinfo. */
export function parseHierarchies(mountinfo: string): readonly Hierarchy[] {
  return mountinfo.split('\n').flatMap((line): Hierarchy[] => {
    const [before, after] = line.split(' - ')
    const mountPoint = before?.split(' ')[4]
    const type = after?.split(' ')[0]
    if (!mountPoint || (type !== 'cgroup' && type !== 'cgroup2')) return []
    return [{ version: type === 'cgroup' ? 1 : 2, mountPoint }]
  })
}

/** PURE: those that have the controllers: all of version 1 where there are any, else version 2. */
export function controlling(all: readonly Hierarchy[]): readonly Hierarchy[] {
  const ofVersion1 = all.filter(({ version }) => version === 1)
  return ofVersion1.length > 0 ? ofVersion1 : all
}

/** Container runtimes leave a trace in version 2 even where version 1 controls, so removal looks at all. */
function mountedHierarchies(): readonly Hierarchy[] {
  return parseHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'))
}

function hierarchies(): readonly Hierarchy[] {
  return controlling(mountedHierarchies())
}

/** The hierarchy in which every process of ours is a member of our cgroup. */
function trackedHierarchy(): Hierarchy {
  const all = hierarchies()
  const tracked = all.find(({ mountPoint }) => mountPoint.endsWith('/pids')) ?? all[0]
  if (!tracked) throw new Error('no cgroup hierarchy is mounted: mount one at /sys/fs/cgroup')
  return tracked
}

/** The folder that lists every process of the cluster, or of one of its parts. */
export function trackedFolder(cgroup: string): string {
  return join(trackedHierarchy().mountPoint, cgroup)
}

/** The file that puts a process of the host side (API server and so on) under the cluster's cgroup. */
export function hostSideFile({ cgroup }: Layout): string {
  const folder = trackedFolder(join(cgroup, 'host'))
  mkdirSync(folder, { recursive: true })
  return join(folder, 'cgroup.procs')
}

/** The file that puts a node's own daemons beside its pods. */
export function nodeSideFile({ cgroup }: NodeLayout): string {
  const folder = trackedFolder(join(cgroup, 'system'))
  mkdirSync(folder, { recursive: true })
  return join(folder, 'cgroup.procs')
}

/** Makes the groups kubelet expects to find below its root, in every hierarchy. */
export function makeNodeCgroups({ cgroup: clusterCgroup }: Layout, { cgroup }: NodeLayout): void {
  for (const { version, mountPoint } of hierarchies()) {
    const levels = [clusterCgroup, cgroup, join(cgroup, 'kubepods')]
    for (const level of levels) {
      mkdirSync(join(mountPoint, level), { recursive: true })
      if (version === 1) copyCpuset(mountPoint, level)
    }
    if (version === 2) for (const level of ['', clusterCgroup, cgroup]) delegate(join(mountPoint, level))
  }
}

/** A new group of version 1 has no processors; nothing can run in it until it is told some. */
function copyCpuset(mountPoint: string, level: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const from = join(mountPoint, file)
    if (existsSync(from)) writeFileSync(join(mountPoint, level, file), readFileSync(from))
  }
}

/** Version 2 hands a controller down only when it is asked to. */
function delegate(folder: string): void {
  const available = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim().split(' ')
  for (const controller of available.filter(Boolean))
    writeFileSync(join(folder, 'cgroup.subtree_control'), `+${controller}`)
}

/** The folders of a cgroup that exist, over all hierarchies. */
export function cgroupFolders(cgroup: string): readonly string[] {
  return mountedHierarchies()
    .map(({ mountPoint }) => join(mountPoint, cgroup))
    .filter(folder => existsSync(folder))
}

/** Removes a cgroup and all below it; its processes have to be gone. What cannot be removed shows in `leftovers`. */
export async function removeCgroup(cgroup: string): Promise<void> {
  await until(
    async () => {
      const folders = cgroupFolders(cgroup)
      if (folders.length === 0) return true
      const removal = ['-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']
      await run('find', [...folders, ...removal]).catch(() => {}) // busy for a moment after the last process
      return cgroupFolders(cgroup).length === 0
    },
    { timeoutMs: 5_000, everyMs: 100 },
  )
}

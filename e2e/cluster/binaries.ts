/**
 * The programs of the embedded cluster, built from Go modules and kept outside the checkout.
 *
 * A build goes to a folder of its own and is renamed into place when it is whole, so a half-built
 * cache is never taken for a good one; a program that went missing later is noticed and built again.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from '#tools/lock.ts'
import { step } from '#tools/progress.ts'
import { run } from '#tools/shell.ts'
import { cacheFolder } from '#tools/workspace.ts'
import { ensureGo } from './go-toolchain.ts'

const kubernetesVersion = '1.34.4'
const versionPackage = 'k8s.io/component-base/version'
const [major, minor] = kubernetesVersion.split('.')

/** Go says nothing while it builds. */
const reminderMs = 30_000

export interface BuildSet {
  version: string
  /** Program name -> Go package. */
  programs: Readonly<Record<string, string>>
  /** Values the linker sets, as `package.name=value`. */
  linkerValues?: readonly string[]
}

const buildSets = {
  kubernetes: {
    version: kubernetesVersion,
    programs: {
      etcd: 'go.etcd.io/etcd/server/v3',
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      kubelet: 'k8s.io/kubernetes/cmd/kubelet',
      'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
      pause: './pause',
    },
    linkerValues: [
      `${versionPackage}.gitVersion=v${kubernetesVersion}`,
      `${versionPackage}.gitMajor=${major}`,
      `${versionPackage}.gitMinor=${minor}`,
    ],
  },
  coredns: { version: '1.14.7', programs: { coredns: '.' } },
  'metrics-server': {
    version: '0.9.0',
    programs: { 'metrics-server': 'sigs.k8s.io/metrics-server/cmd/metrics-server' },
  },
  // k3s's edition: nothing but what enforces policies.
  'kube-router': {
    version: '2.6.3-k3s1',
    programs: { 'kube-router': 'github.com/cloudnativelabs/kube-router/v2/cmd/kube-router' },
  },
} as const satisfies Record<string, BuildSet>

export type BuildSetName = keyof typeof buildSets

/** Answers the folder with the programs of a set; builds them when they are not cached. */
export async function ensureBinaries(name: BuildSetName): Promise<string> {
  return ensureBuilt(name, buildSets[name], join(dirname(fileURLToPath(import.meta.url)), 'go', name))
}

/** The same for a module that lies elsewhere. */
export async function ensureBuilt(name: string, set: BuildSet, source: string): Promise<string> {
  const parent = cacheFolder(name)
  const folder = join(parent, `${set.version}-${sourceHash(source, set)}`)
  if (isWhole(folder, set)) return folder
  step(`${name} ${set.version} is not in the cache`) // somebody else may be building it: then we wait for that
  await withLock(join(parent, 'build.lock'), async () => {
    if (!isWhole(folder, set)) await build({ name, set, source, folder })
  })
  return folder
}

/** True when every program of the set is there and not empty. */
export function isWhole(folder: string, set: Pick<BuildSet, 'programs'>): boolean {
  return Object.keys(set.programs).every(program => {
    const file = statSync(join(folder, program), { throwIfNoEntry: false })
    return file?.isFile() === true && file.size > 0
  })
}

interface Build {
  name: string
  set: BuildSet
  source: string
  folder: string
}

async function build({ name, set, source, folder }: Build): Promise<void> {
  const go = await ensureGo()
  const started = Date.now()
  await removeUnfinished(dirname(folder))
  step(`building ${name} ${set.version} from Go modules (some minutes the first time)`)
  const reminder = setInterval(() => step(`  still building ${name}`), reminderMs)
  const unfinished = await mkdtemp(`${folder}.unfinished-`)
  try {
    const linkerFlags = ['-s', '-w', ...(set.linkerValues ?? []).map(value => `-X ${value}`)].join(' ')
    const flags = ['-mod=readonly', '-trimpath', `-ldflags=${linkerFlags}`]
    const env = { ...process.env, ...go.env }
    await run(go.program, ['build', ...flags, '-o', `${unfinished}/`, ...Object.values(set.programs)], {
      cwd: source,
      env,
    })
    await renameByPackage(unfinished, set)
    await rm(folder, { recursive: true, force: true })
    await rename(unfinished, folder)
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${name} ${set.version} could not be built: ${reason}`, { cause })
  } finally {
    clearInterval(reminder)
  }
  step(`built ${name} in ${Math.round((Date.now() - started) / 1000)} s`)
}

/** What a build that was killed left behind; the lock is ours, so nobody is writing there. */
async function removeUnfinished(parent: string): Promise<void> {
  const left = (await readdir(parent)).filter(entry => entry.includes('.unfinished-'))
  await Promise.all(left.map(entry => rm(join(parent, entry), { recursive: true, force: true })))
}

/** `go build` names a program after its package's last path element that is not a version: etcd comes out as `server`. */
async function renameByPackage(folder: string, set: BuildSet): Promise<void> {
  for (const [program, goPackage] of Object.entries(set.programs)) {
    const built = basename(goPackage.replace(/\/v\d+$/, ''))
    if (goPackage !== '.' && built !== program) await rename(join(folder, built), join(folder, program))
  }
}

/** What is built is told by the module's files and our flags: a changed pin is never served from an old build. */
function sourceHash(source: string, set: BuildSet): string {
  const hash = createHash('sha256').update(JSON.stringify(set))
  for (const file of ['go.mod', 'go.sum', 'main.go', 'pause/main.go']) {
    const path = join(source, file)
    if (existsSync(path)) hash.update(file).update(readFileSync(path))
  }
  return hash.digest('hex').slice(0, 12)
}

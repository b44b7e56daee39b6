/** Makes sure that the programs a command needs are on this machine. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { step } from './progress.ts'
import { isInstalled, run } from './shell.ts'

/**
 * Programs and the Debian package that brings each, for example `{ buildah: 'buildah' }`.
 * An absolute path stands for itself: `{ '/usr/lib/cni/bridge': 'containernetworking-plugins' }`.
 */
export type Programs = Readonly<Record<string, string>>

/** Two apt runs at once fail on each other's locks; all of ours take this lock first. */
const aptLock = join(tmpdir(), 'dataservice-apt.lock')
const aptOptions = [
  '--yes',
  '--no-install-recommends',
  '--option=Acquire::Retries=5',
  '--option=DPkg::Lock::Timeout=600',
] as const
const aptAttempts = 3

/**
 * Installs the packages of missing programs by apt when we are root; answers the packages it installed.
 * Rejects with an error that names every missing package and the command that installs them.
 */
export async function ensurePackages({ programs }: { programs: Programs }): Promise<readonly string[]> {
  if ((await missingFrom(programs)).length === 0) return []
  await refuseUnlessAptCanRun(programs)
  // Another command may have installed them while we waited for the lock: apt then has nothing to do.
  const packages = packagesOf(programs, await missingFrom(programs))
  step(`installing packages: ${packages.join(' ')}`)
  await apt('update')
  await apt('install', ...packages)
  const missing = await missingFrom(programs)
  if (missing.length > 0) throw new Error(`still missing after apt-get install: ${missing.join(', ')}`)
  return packages
}

async function missingFrom(programs: Programs): Promise<string[]> {
  const names = Object.keys(programs)
  const found = await Promise.all(names.map(isInstalled))
  return names.filter((_, index) => !found[index])
}

/** The packages of these programs, each once, in a stable order. */
export function packagesOf(programs: Programs, missing: readonly string[]): string[] {
  const packages = missing.flatMap(program => programs[program] ?? [])
  return [...new Set(packages)].sort()
}

async function refuseUnlessAptCanRun(programs: Programs): Promise<void> {
  const missing = await missingFrom(programs)
  const isRoot = process.getuid?.() === 0
  if (isRoot && (await isInstalled('apt-get')) && (await isInstalled('flock'))) return
  const packages = packagesOf(programs, missing).join(' ')
  throw new Error(
    `missing programs: ${missing.join(', ')}. Install them with: sudo apt-get install --no-install-recommends ${packages}`,
  )
}

async function apt(command: 'update' | 'install', ...packages: string[]): Promise<void> {
  const args = [aptLock, 'apt-get', command, ...aptOptions, ...packages]
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (let attempt = 1; ; attempt++) {
    try {
      await run('flock', args, { env })
      return
    } catch (cause) {
      if (attempt === aptAttempts)
        throw new Error(`apt-get ${command} failed ${aptAttempts} times`, { cause })
    }
  }
}

/** A Go that can build all our modules, also where the distribution's own is missing or too old. */
import { readdirSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { ensurePackages } from '#tools/packages.ts'
import { step } from '#tools/progress.ts'
import { isInstalled, run } from '#tools/shell.ts'
import { cacheFolder } from '#tools/workspace.ts'

/** The oldest Go that builds every module (metrics-server asks most), and the one that is fetched. */
const oldestGo = [1, 26, 4] as const
const fetchedGo = 'go1.26.8'

export interface GoCommand {
  program: string
  /** Added to the environment of every call. */
  env: Record<string, string>
}

/** What has to happen with an installed Go of the given `go version` output. */
export type GoPlan = 'use it' | 'let it fetch a newer one' | 'fetch a newer one as a module'

/** Go from 1.21 on switches toolchains by itself; an older one can only download the module that carries it. */
export function planFor(versionLine: string): GoPlan {
  const [, major, minor, patch] = /go(\d+)\.(\d+)(?:\.(\d+))?/.exec(versionLine) ?? []
  const version = [Number(major), Number(minor), Number(patch ?? 0)] as const
  if (isAtLeast(version, oldestGo)) return 'use it'
  return isAtLeast(version, [1, 21, 0]) ? 'let it fetch a newer one' : 'fetch a newer one as a module'
}

/** Finds or brings a Go toolchain. Rejects with the package to install when that is not possible. */
export async function ensureGo(): Promise<GoCommand> {
  if (!(await isInstalled('go'))) await ensurePackages({ programs: { go: 'golang-go' } })
  const env = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' }
  const installed = await run('go', ['version'])
  switch (planFor(installed)) {
    case 'use it':
      return { program: 'go', env: { ...env, GOTOOLCHAIN: 'local' } }
    case 'let it fetch a newer one':
      return { program: 'go', env: { ...env, GOTOOLCHAIN: fetchedGo } }
    case 'fetch a newer one as a module':
      return { program: await fetchAsModule(), env: { ...env, GOTOOLCHAIN: 'local' } }
  }
}

/** Toolchains are published as modules; an old Go unpacks one but leaves its programs without the execute bit. */
async function fetchAsModule(): Promise<string> {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const version = `v0.0.1-${fetchedGo}.linux-${architecture}`
  step(`fetching ${fetchedGo}`)
  const answer = await run('go', ['mod', 'download', '-json', `golang.org/toolchain@${version}`], {
    cwd: cacheFolder('go'),
  })
  const { Dir: folder } = JSON.parse(answer) as { Dir: string }
  const programFolders = [join(folder, 'bin'), join(folder, 'pkg', 'tool', `linux_${architecture}`)]
  const programs = programFolders.flatMap(where => readdirSync(where).map(name => join(where, name)))
  await Promise.all(programs.map(program => chmod(program, 0o755)))
  return join(folder, 'bin', 'go')
}

function isAtLeast(version: readonly number[], wanted: readonly number[]): boolean {
  for (const [place, least] of wanted.entries()) {
    const given = version[place] ?? Number.NaN
    if (Number.isNaN(given)) return false
    if (given !== least) return given > least
  }
  return true
}

/** CRDs of other projects, as they publish them: fetched once as Go modules, checked, and kept outside the checkout. */
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ensureGo } from '#e2e/cluster/go-toolchain.ts'
import { withLock } from '#tools/lock.ts'
import { step } from '#tools/progress.ts'
import { run } from '#tools/shell.ts'
import { cacheFolder } from '#tools/workspace.ts'

interface Source {
  module: string
  version: string
  /** As Go computes it over the whole module (`h1:`). */
  checksum: string
  /** Where the CRDs lie in it. */
  files: readonly string[]
}

const sources = {
  'cloudnative-pg': {
    module: 'github.com/cloudnative-pg/cloudnative-pg',
    version: 'v1.30.0',
    checksum: 'h1:fnhVq44xXx97MNiuvJsPrX1vSjYbgdyBK5MSGfdHdp0=',
    files: ['config/crd/bases/postgresql.cnpg.io_clusters.yaml'],
  },
} as const satisfies Record<string, Source>

export type DefinitionSet = keyof typeof sources

/** Answers the files with the CRDs; brings them when they are not cached. */
export async function ensureDefinitions(name: DefinitionSet): Promise<string[]> {
  const source: Source = sources[name]
  const parent = cacheFolder('definitions')
  const folder = join(parent, `${name}-${source.version}`)
  if (!existsSync(folder)) {
    await withLock(join(parent, 'fetch.lock'), async () => {
      if (!existsSync(folder)) await bring(source, folder)
    })
  }
  return source.files.map(file => join(folder, basename(file)))
}

async function bring({ module, version, checksum, files }: Source, folder: string): Promise<void> {
  step(`fetching the CRDs of ${module} ${version}`)
  const go = await ensureGo()
  const unfinished = await mkdtemp(`${folder}.unfinished-`)
  try {
    // The checksum stands here, so nobody else is asked for it.
    const env = { ...process.env, ...go.env, GONOSUMDB: module }
    const answer = await run(go.program, ['mod', 'download', '-json', `${module}@${version}`], {
      cwd: unfinished,
      env,
    })
    const { Dir, Sum } = JSON.parse(answer) as { Dir: string; Sum: string }
    if (Sum !== checksum) throw new Error(`${module} ${version} is ${Sum}, and ${checksum} was expected`)
    for (const file of files) await copyFile(join(Dir, file), join(unfinished, basename(file)))
    await rename(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** The program `kind`: the installed one, else built from its Go module into the cache. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { step } from '#tools/progress.ts'
import { isInstalled, run } from '#tools/shell.ts'
import { cacheFolder } from '#tools/workspace.ts'
import { ensureGo } from './go-toolchain.ts'

const version = 'v0.30.0'

/** Path or name of a program that runs. Rejects with what Go says when it cannot be built. */
export async function ensureKind(): Promise<string> {
  if (await isInstalled('kind')) return 'kind'
  const folder = cacheFolder('kind', version)
  const program = join(folder, 'kind')
  if (existsSync(program)) return program // go install moves a program there when it is whole
  step(`building kind ${version}`)
  const go = await ensureGo()
  await run(go.program, ['install', `sigs.k8s.io/kind@${version}`], {
    env: { ...process.env, ...go.env, GOBIN: folder },
  })
  return program
}

/** Files of a Go module, without building it. */
import { copyFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ensureGo } from '#e2e/cluster/go-toolchain.ts'
import { run } from '#tools/shell.ts'

/** `module`: with its version. Whoever calls checks the files, so no other place is asked for checksums. */
export async function copyFromModule(
  module: string,
  files: readonly string[],
  folder: string,
): Promise<void> {
  const go = await ensureGo()
  const env = { ...process.env, ...go.env, GONOSUMDB: module.replace(/@.*$/, '') }
  const answer = await run(go.program, ['mod', 'download', '-json', module], { cwd: folder, env })
  const { Dir } = JSON.parse(answer) as { Dir: string }
  for (const file of files) await copyFile(join(Dir, file), join(folder, basename(file)))
}

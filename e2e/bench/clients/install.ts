/**
 * Clients of native code, which are no dependencies of ours: installed outside the checkout when they are first
 * measured. They are compiled from what is in their package, with the headers of the project's own Node, because
 * the prebuilt ones come from elsewhere.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { builtOnce } from '#e2e/images/built-once.ts'
import { step } from '#tools/progress.ts'
import { CommandFailed, run } from '#tools/shell.ts'
import { cacheFolder } from '#tools/workspace.ts'

/** librdkafka takes some minutes to compile. */
const limitMs = 20 * 60_000

/** Answers the folder where it was installed. Rejects with what the compiler or npm says. */
export function installed(name: string, version: string): Promise<string> {
  const entry = `${name.replaceAll('/', '-')}-${version}-node-${process.versions.modules}-${process.arch}`
  return builtOnce(cacheFolder('kafka-clients'), entry, async folder => {
    step(`  installing ${name} ${version} (some minutes the first time)`)
    await mkdir(folder)
    await writeFile(join(folder, 'package.json'), '{"private":true}\n')
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts=false', '--foreground-scripts']
    await run('npm', ['install', ...flags, `${name}@${version}`], {
      cwd: folder,
      env: { ...process.env, ...compileHere },
      timeoutMs: limitMs,
    })
  })
}

const compileHere = {
  npm_config_nodedir: dirname(dirname(process.execPath)),
  npm_config_build_from_source: 'true',
  /** Of Confluent's client: its libraries are those of the system, not downloaded ones. */
  CKJS_LINKING: 'dynamic',
}

/** The line that tells most. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof CommandFailed)) return String(error)
  const lines = error.output.split('\n').map(line => line.trim())
  return lines.find(line => /\berror\b/i.test(line)) ?? `npm ended with exit code ${error.exitCode}`
}

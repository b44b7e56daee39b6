/**
 * `npm run check`: everything a reviewer should not have to look for. All checks run, then each that failed is shown.
 * To add a check, add a row to `checks`.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generated, staleFiles } from '#tools/generate.ts'
import { violations } from '#tools/import-law.ts'
import { CommandFailed, run } from '#tools/shell.ts'
import { root } from '#tools/workspace.ts'

/** Longest file, in lines. Up to the first number nothing is said, up to the second it is only mentioned. */
const lines = { wanted: 300, most: 350 }

interface Finding {
  /** Empty: the check holds. */
  errors: readonly string[]
  /** Said, but no reason to fail. */
  remarks?: readonly string[]
}

const checks: Readonly<Record<string, () => Promise<Finding>>> = {
  types: () => program('tsc', ['--noEmit', '--project', root]),
  'lint and format': () =>
    program('biome', ['ci', '--colors=off', '--log-level=warn', '--max-diagnostics=50', root]),
  'import law': async () => {
    const breaches = violations(await sources())
    return { errors: breaches.map(({ path, line, message }) => `${path}:${line} ${message}`) }
  },
  'file length': async () => {
    const long = (await sources()).map(({ path, text }) => ({ path, count: text.split('\n').length - 1 }))
    const over = (limit: number) =>
      long
        .filter(({ count }) => count > limit)
        .map(({ path, count }) => `${path} has ${count} lines: split it by job`)
    return { errors: over(lines.most), remarks: over(lines.wanted) }
  },
  'generated files': async () => ({
    errors: staleFiles(generated).map(
      path => `${path} is out of date: run npm run generate and commit the result`,
    ),
  }),
}

/** Runs a program of node_modules; what it prints is the finding. */
async function program(name: string, args: readonly string[]): Promise<Finding> {
  try {
    await run(join(root, 'node_modules', '.bin', name), args, { cwd: root })
    return { errors: [] }
  } catch (error) {
    return { errors: [error instanceof CommandFailed ? error.output : String(error)] }
  }
}

/** Every TypeScript file that git knows or would take. */
async function sources() {
  const listed = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '*.ts'], {
    cwd: root,
  })
  const paths = [...new Set(listed.split('\0').filter(Boolean))].sort()
  const texts = await Promise.all(
    paths.map(path => readFile(join(root, path), 'utf8').catch(() => undefined)),
  )
  return paths.flatMap((path, index) => {
    const text = texts[index]
    return text === undefined ? [] : [{ path, text }] // deleted, but not yet in git
  })
}

async function main(): Promise<number> {
  const findings = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => ({ name, ...(await check()) })),
  )
  for (const { name, errors, remarks = [] } of findings) {
    console.log(`${errors.length > 0 ? 'FAILS' : 'holds'}  ${name}`)
    for (const text of errors) console.log(indented(text))
    if (errors.length === 0) for (const text of remarks) console.log(indented(`remark: ${text}`))
  }
  return findings.some(({ errors }) => errors.length > 0) ? 1 : 0
}

function indented(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '       ')
}

process.exitCode = await main()

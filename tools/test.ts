/**
 * `npm test`: every test, project by project, then one closing line. `npm test -- --project unit --project api FILE…`
 * runs some of them; `-t TEXT` selects tests by name, `-u` renews golden files.
 * What tests need is made ready before they start, so that their time limits need no allowance for downloads and builds.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureBinaries } from '#e2e/cluster/binaries.ts'
import { ensureImages } from '#e2e/images/images.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { atLeastOneFailed, closingLine, sum, type Tally, tallyVariable } from '#tools/closing-line.ts'
import { step } from '#tools/progress.ts'
import { root } from '#tools/workspace.ts'

type ProjectName = 'unit' | 'api' | 'data' | 'node'

/** The projects in the order they run, the quickest first, each with what must be ready before it starts. */
const projects: Readonly<Record<ProjectName, () => Promise<unknown>>> = {
  unit: async () => {},
  api: () => ensureBinaries('kubernetes'),
  data: () => Promise.all(engineNames.map(engineRoot)),
  // One build after another: each of them takes all cores.
  node: async () => {
    for (const name of ['kubernetes', 'coredns', 'metrics-server'] as const) await ensureBinaries(name)
    await ensureImages()
  },
}
const projectNames = Object.keys(projects).filter(isProject)
const engineNames = Object.keys(engines).filter((name): name is keyof typeof engines => name in engines)

interface Selection {
  projects: readonly ProjectName[]
  /** Handed to vitest as they are: parts of file paths, name patterns, flags. */
  filters: readonly string[]
}

/** What one project came to, and why it did not run when it did not. */
interface ProjectResult extends Tally {
  name: ProjectName
  seconds: number
  problem?: string
  /** Somebody wants the whole run to end. */
  interrupted?: boolean
}

function isProject(name: string): name is ProjectName {
  return name in projects
}

/** Reads the command line. Throws an Error that names what is wrong. */
export function parseSelection(args: readonly string[]): Selection {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      project: { type: 'string', multiple: true },
      testNamePattern: { type: 'string', short: 't' },
      update: { type: 'boolean', short: 'u' },
    },
  })
  const unknown = (values.project ?? []).filter(name => !isProject(name))
  if (unknown.length > 0)
    throw new Error(`unknown project '${unknown.join(', ')}'; known: ${projectNames.join(', ')}`)
  const wanted = values.project ?? projectNames
  const pattern = values.testNamePattern === undefined ? [] : [`--testNamePattern=${values.testNamePattern}`]
  return {
    projects: projectNames.filter(name => wanted.includes(name)),
    filters: [...positionals, ...pattern, ...(values.update ? ['--update'] : [])],
  }
}

/** Runs one project in a process of its own, so that a crash there is a failure and not the end. */
async function runProject(
  name: ProjectName,
  filters: readonly string[],
  tallyFile: string,
): Promise<ProjectResult> {
  const started = Date.now()
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  // `node*` also selects node-alone.
  const args = [vitest, 'run', '--project', `${name}*`, '--passWithNoTests', ...filters]
  const { exitCode, interrupted } = await programEnds(args, tallyFile)
  const seconds = Math.round((Date.now() - started) / 1000)
  if (interrupted) return { name, seconds, passed: 0, failed: 1, problem: 'interrupted', interrupted }
  return { name, seconds, ...judge(exitCode, readTally(tallyFile), filters.length > 0) }
}

/** Pure: what an exit code and a tally mean together. No test at all is a failure unless the user selected some. */
export function judge(
  exitCode: number,
  tally: Tally | undefined,
  selected: boolean,
): Tally & { problem?: string } {
  if (!tally)
    return { passed: 0, failed: 1, problem: `vitest ended with exit code ${exitCode} and no result` }
  if (tally.failed === 0 && exitCode !== 0)
    return { ...atLeastOneFailed(tally), problem: `vitest ended with exit code ${exitCode}` }
  if (tally.passed + tally.failed === 0 && !selected)
    return { passed: 0, failed: 1, problem: 'no test was run' }
  return tally
}

interface End {
  exitCode: number
  interrupted: boolean
}

function programEnds(args: readonly string[], tallyFile: string): Promise<End> {
  // Tests make clusters of their own; a cluster that the user works with is none of theirs.
  const { KUBECONFIG: _theirs, ...environment } = process.env
  const env = { ...environment, [tallyVariable]: tallyFile }
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env })
  let interrupted = false
  const forward = (signal: NodeJS.Signals) => {
    interrupted = true
    child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, forward)
  return new Promise(resolve => {
    const end = (exitCode: number) => {
      for (const signal of signals) process.off(signal, forward)
      resolve({ exitCode, interrupted })
    }
    child.on('error', () => end(1))
    child.on('exit', (code, signal) => end(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
  })
}

function readTally(file: string): Tally | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

async function prepareAndRun(
  name: ProjectName,
  filters: readonly string[],
  folder: string,
): Promise<ProjectResult> {
  const started = Date.now()
  try {
    await projects[name]()
  } catch (error) {
    console.error(error)
    return {
      name,
      passed: 0,
      failed: 1,
      seconds: 0,
      problem: 'what it needs could not be made ready (see above)',
    }
  }
  step(`project ${name} (made ready in ${Math.round((Date.now() - started) / 1000)} s)`)
  return runProject(name, filters, join(folder, `${name}.json`))
}

async function main(args: readonly string[]): Promise<number> {
  const { projects: wanted, filters } = parseSelection(args)
  const folder = mkdtempSync(join(tmpdir(), 'dataservice-test-'))
  const results: ProjectResult[] = []
  try {
    for (const name of wanted) {
      const result = await prepareAndRun(name, filters, folder)
      results.push(result)
      if (result.interrupted) break
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const total = sum(results)
  const isEmpty = total.passed + total.failed === 0
  if (isEmpty) console.error('no test matches')
  console.log()
  for (const result of results) console.log(lineOf(result))
  console.log(closingLine(total))
  return total.failed > 0 || isEmpty ? 1 : 0
}

function lineOf({ name, passed, failed, seconds, problem }: ProjectResult): string {
  const counts = `${String(passed).padStart(5)} passed ${String(failed).padStart(5)} failed ${String(seconds).padStart(5)} s`
  return `${name.padEnd(5)}${counts}${problem ? `  ${problem}` : ''}`
}

/** Runs what the arguments select, and answers the exit code; the closing line comes also when nothing could be run. */
export async function runAndTell(command: string, args: () => readonly string[]): Promise<number> {
  try {
    return await main(args())
  } catch (error) {
    console.error(error instanceof Error ? `${command}: ${error.message}` : error)
    console.log(closingLine({ passed: 0, failed: 1 }))
    return 1
  }
}

if (import.meta.main) process.exitCode = await runAndTell('npm test', () => process.argv.slice(2))

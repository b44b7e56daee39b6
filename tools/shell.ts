/** Runs other programs and says clearly when one fails. */
import { type SpawnOptions, spawn } from 'node:child_process'

export interface RunOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Written to the program's standard input. */
  input?: string | Buffer
  /** Ends the program with SIGKILL after so many milliseconds. Default: no limit. */
  timeoutMs?: number
}

export class CommandFailed extends Error {
  readonly command: string
  readonly exitCode: number | null
  readonly output: string
  constructor(command: string, exitCode: number | null, output: string) {
    super(`${command}: exit code ${exitCode}\n${lastLines(output, 20)}`)
    this.command = command
    this.exitCode = exitCode
    this.output = output
  }
}

/** Runs a program without a shell; answers its standard output. Rejects with CommandFailed. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const spawnOptions: SpawnOptions = { stdio: ['pipe', 'pipe', 'pipe'] }
  if (options.cwd) spawnOptions.cwd = options.cwd
  if (options.env) spawnOptions.env = options.env
  if (options.timeoutMs) Object.assign(spawnOptions, { timeout: options.timeoutMs, killSignal: 'SIGKILL' })
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, spawnOptions)
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', cause =>
      reject(new Error(`${program} could not be started: ${cause.message}`, { cause })),
    )
    child.on('close', code => {
      const text = Buffer.concat(out).toString('utf8')
      if (code === 0) resolve(text)
      else
        reject(new CommandFailed([program, ...args].join(' ').slice(0, 300), code, text + Buffer.concat(err)))
    })
    child.stdin?.on('error', () => {}) // a program that ends early need not read its input
    child.stdin?.end(options.input)
  })
}

/** True when the program can be found in PATH. */
export async function isInstalled(program: string): Promise<boolean> {
  return run('sh', ['-c', `command -v "$1"`, 'sh', program]).then(
    () => true,
    () => false,
  )
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

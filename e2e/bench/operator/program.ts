/** An operator in a process of its own: ours or the peer. */
import { spawn } from 'node:child_process'
import { once as nextEvent } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { residentMegabytes } from '#e2e/chaos/resident.ts'
import { ensureBuilt } from '#e2e/cluster/binaries.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import { images } from '#operator/testing/target.ts'
import { bundlesOf } from '#tools/bundle.ts'
import { root } from '#tools/workspace.ts'
import { once } from '../contest.ts'
import { peerTemplates } from './templates.ts'
import { type Install, ownKinds, type World } from './world.ts'

export interface Program extends AsyncDisposable {
  readonly pid: number
  /** Resolves when its copies are complete. */
  working(): Promise<void>
  /** Bytes that it cannot free. */
  retained(): Promise<number>
  /** MiB in memory. */
  resident(): number
  kill(): Promise<void>
}

export interface Contender {
  /** Name and version. */
  version: string
  install: Install
  start(world: World, more?: Readonly<Record<string, string>>): Promise<Program>
}

/** Runs at the same time, of both. */
export const workers = 4
const peerSource = join(root, 'e2e/bench/peers/operator')

export const ours: Contender = {
  version: 'operator',
  install: ownKinds,
  start: async (world, more = {}) => {
    const { flags, env } = shipped()
    return startProgram([process.execPath, ...flags, await bundledProcess(world)], {
      ...env,
      KUBECONFIG: world.kubeconfig,
      TOPICS_FILE: join(world.folder, 'topics'),
      TELEMETRY_PORT: '0',
      LOG_LEVEL: 'info',
      RELATED_IMAGE_DATASERVICE: images.dataservice,
      WORKERS: String(workers),
      ...more,
    })
  },
}

export const controllerRuntime: Contender = {
  version: `controller-runtime ${versionOf(peerSource, 'sigs.k8s.io/controller-runtime')}`,
  install: ownKinds,
  async start(world, more = {}) {
    const folder = await ensureBuilt(
      'bench-operator',
      { version: '1', programs: { operator: '.' } },
      peerSource,
    )
    const templates = join(world.folder, 'templates.json')
    writeFileSync(templates, JSON.stringify(peerTemplates()))
    return startProgram([join(folder, 'operator')], {
      KUBECONFIG: world.kubeconfig,
      TEMPLATES: templates,
      WORKERS: String(workers),
      ...more,
    })
  },
}

/** As in the image: sources would have to be compiled first, which takes time and memory. */
const bundle = once(() => bundlesOf({ operator: 'e2e/bench/operator/process.ts' }, join(root, 'dist')))

async function bundledProcess({ folder }: World): Promise<string> {
  for (const { path, content } of await bundle()) writeFileSync(join(folder, basename(path)), content)
  return join(folder, 'operator.mjs')
}

interface Shipped {
  spec?: { template: { spec: { containers: { args: string[]; env: { name: string; value?: string }[] }[] } } }
}

/** The flags of Node and the environment in the operator's Deployment. */
function shipped(): { flags: string[]; env: Record<string, string> } {
  const text = readFileSync(join(root, 'config/operator/deployment.yaml'), 'utf8')
  const documents = parseAllDocuments(text).map((each): Shipped => each.toJS())
  const [container] = documents.flatMap(({ spec }) => spec?.template?.spec.containers ?? [])
  if (container === undefined) throw new Error('config/operator/deployment.yaml has no container')
  return {
    flags: container.args.filter(each => each.startsWith('--')),
    env: Object.fromEntries(
      container.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
    ),
  }
}

/** Of a module, as the `go.mod` in this folder pins it. */
export function versionOf(source: string, module: string): string {
  const text = readFileSync(join(source, 'go.mod'), 'utf8')
  return new RegExp(`${module} v(\\S+)`).exec(text)?.[1] ?? 'of no version'
}

export function startProgram(argv: readonly string[], env: Readonly<Record<string, string>>): Program {
  // It must not outlive the benchmark, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], ...env },
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (said: string) => {
    text = (text + said).slice(-100_000)
  })
  const ended = nextEvent(child, 'exit')
  const { pid } = child
  if (pid === undefined) throw new Error('the operator could not be started')
  const said = (word: string): Promise<void> =>
    waitFor(() => text.includes(word), {
      what: `the operator to say '${word}'`,
      timeoutMs: 120_000,
      everyMs: 20,
      logs: [],
      hopeless: () =>
        child.exitCode === null && child.signalCode === null
          ? undefined
          : `the operator ended: ${text.slice(-2_000)}`,
    })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return {
    pid,
    kill,
    working: () => said('the operator is working'),
    async retained() {
      text = ''
      child.kill('SIGUSR2')
      await said('retained ')
      return Number(/retained (\d+)/.exec(text)?.[1])
    },
    resident: () => residentMegabytes(pid),
    [Symbol.asyncDispose]: kill,
  }
}

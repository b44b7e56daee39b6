/** An operator in a process of its own, behind a proxy of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Fault } from '#e2e/chaos/api-proxy/faults.ts'
import { type ApiProxy, type ProxyOptions, startProxy } from '#e2e/chaos/api-proxy/proxy.ts'
import { residentMegabytes } from '#e2e/chaos/resident.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import { images } from '#operator/testing/target.ts'
import { root } from '#tools/workspace.ts'

/** Where the operator works. */
export interface Site {
  server: string
  ca: Buffer
  /** Of the operator's ServiceAccount. */
  token: string
  topicsUrl: string
  /** For kubeconfigs; it goes with the control plane. */
  folder: string
}

export interface OperatorOptions extends Pick<ProxyOptions, 'onCall' | 'onEvent'> {
  /** Only this namespace; absent: all of them. */
  namespace?: string
  resyncSeconds?: number
  /** In force from its first request on. */
  faults?: readonly Fault[]
  /** Of the data plane; another one makes it another revision. Default: that of tests. */
  image?: string
  /** How many DataServices at once may restart their pods for a newer revision. */
  maxRolling?: number
  /** It has rivals: the namespace of the Lease, and its name among them. */
  election?: { namespace: string; pod: string }
}

export interface OperatorProcess extends AsyncDisposable {
  proxy: ApiProxy
  readonly pid: number
  /** Resolves when all its copies are complete and it works. */
  working(): Promise<void>
  /** Resolves with the code or the signal once it has ended. */
  readonly ended: Promise<string>
  readonly isAlive: boolean
  signal(signal: NodeJS.Signals): void
  kill(): Promise<void>
  /** MiB in memory. */
  resident(): number
  /** Files and connections that it has open. */
  openFiles(): number
  log(): string
}

const startMs = 60_000
const mostLog = 400_000
/** A suite that is killed stops nothing; the kernel then does. */
const endsWithUs = ['--pdeathsig', 'KILL', '--'] as const

/** Started, not yet working. */
export async function startOperatorProcess(site: Site, options: OperatorOptions): Promise<OperatorProcess> {
  let child: ChildProcess | undefined
  const kill = async (): Promise<void> => {
    child?.kill('SIGKILL')
    await ended.promise
  }
  const proxy = await startProxy({ ...site, ...options, kill })
  proxy.inject(options.faults ?? [])
  const ended = Promise.withResolvers<string>()
  const { pid, log } = await spawned()
  async function spawned() {
    const env = await environment(site, options, proxy.url)
    const program = join(root, 'e2e/chaos/operator/process.ts')
    const args = [...endsWithUs, process.execPath, '--unhandled-rejections=strict', program]
    child = spawn('setpriv', args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.once('exit', (code, signal) => ended.resolve(signal ?? String(code)))
    const text = collected(child)
    if (child.pid === undefined) throw new Error('the operator could not be started')
    return { pid: child.pid, log: text }
  }
  const isAlive = (): boolean => child?.exitCode === null && child.signalCode === null
  return {
    proxy,
    pid,
    log,
    ended: ended.promise,
    get isAlive() {
      return isAlive()
    },
    working: () =>
      waitFor(() => log().includes('the operator is working'), {
        what: 'the operator to work',
        timeoutMs: startMs,
        everyMs: 50,
        logs: [],
        hopeless: () => (isAlive() ? undefined : `the operator ended: ${log().slice(-2_000)}`),
      }),
    signal: signal => void child?.kill(signal),
    kill,
    resident: () => residentMegabytes(pid),
    openFiles: () => readdirSync(`/proc/${pid}/fd`).length,
    async [Symbol.asyncDispose]() {
      await kill()
      await proxy.close()
    },
  }
}

/** The end of what it said. */
function collected({ stdout, stderr }: ChildProcess): () => string {
  let text = ''
  for (const stream of [stdout, stderr])
    stream?.setEncoding('utf8').on('data', (said: string) => {
      text = (text + said).slice(-mostLog)
    })
  return () => text
}

let configs = 0

/** Answers the path of a kubeconfig for an operator that reaches the API server there, by this token. */
export async function operatorKubeconfig(
  folder: string,
  { server, token }: { server: string; token: string },
): Promise<string> {
  configs += 1
  const file = join(folder, `operator-${configs}.json`)
  const name = 'chaos'
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
  await writeFile(file, JSON.stringify(config), { mode: 0o600 })
  return file
}

async function environment(
  { token, topicsUrl, folder }: Site,
  { namespace, resyncSeconds, election, image, maxRolling }: OperatorOptions,
  server: string,
): Promise<NodeJS.ProcessEnv> {
  return {
    PATH: process.env['PATH'],
    KUBECONFIG: await operatorKubeconfig(folder, { server, token }),
    TOPICS_URL: topicsUrl,
    TELEMETRY_PORT: '0',
    LOG_LEVEL: 'info',
    RELATED_IMAGE_DATASERVICE: image ?? images.dataservice,
    ...(maxRolling !== undefined && { MAX_ROLLING: String(maxRolling) }),
    ...(namespace !== undefined && { WATCH_NAMESPACE: namespace }),
    ...(resyncSeconds !== undefined && { RESYNC_SECONDS: String(resyncSeconds) }),
    ...(election !== undefined && { POD_NAMESPACE: election.namespace, POD_NAME: election.pod }),
  }
}

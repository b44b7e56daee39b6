/** A role as its pod runs it: a process of `main.ts` on free ports of this machine. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentialFiles, mounts, nodeFlags, probePaths, type Role } from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { root } from '#tools/workspace.ts'

export interface RoleProcess {
  /**
   * Its files: `api-keys/`, `jwks.json`, `kafka-access/`, `kafka-ca.crt`, `kafka-certificate/`, `postgres-access/` and
   * `postgres-ca.crt`, as a pod would mount them.
   */
  folder: string
  /** Where gateway and reader serve HTTP. */
  url: string
  pid: number
  /** Answers the status of `/readyz`, or 0 when nobody listens. */
  readiness(): Promise<number>
  /** Answers the status of `/livez`. */
  liveness(): Promise<number>
  metrics(): Promise<string>
  /** What it says at `/progress`. */
  progress(): Promise<string>
  signal(name: NodeJS.Signals): void
  /** Resolves when the process has ended. */
  exitCode: Promise<number | null>
  /** Its log lines so far. */
  log(): string
  /** Kills it if it still runs, and removes its files. */
  remove(): Promise<void>
}

export interface RoleProcessOptions {
  /** Texts by name, as `credentialFiles` names them. */
  credentials?: Readonly<Record<string, string>>
  /** Further files of its folder by path. */
  files?: Readonly<Record<string, string>>
  /** How long it waits for endpoints to go. */
  drainMs?: number
  /** Default: a free one. */
  httpPort?: number
  /** Of a gateway that is asked by TLS, too. Default: a free one. */
  innerPort?: number
  /** Folder of its certificates, where hops are encrypted. */
  certificates?: string
}

/** Starts a role; it is at work once `readiness` answers 200. */
export async function startRole(
  role: Role,
  settings: Settings,
  { credentials = {}, files = {}, drainMs = 0, certificates, ...wanted }: RoleProcessOptions = {},
): Promise<RoleProcess> {
  const folder = await mkdtemp(join(tmpdir(), `dataservice-${role}-`))
  const settingsPath = join(folder, 'settings.json')
  await writeFile(settingsPath, JSON.stringify(settings))
  // What gateway and reader sign with; those that talk to each other are given the same.
  const all = { [credentialFiles.cursorKey]: randomBytes(32).toString('hex'), ...credentials }
  for (const [name, text] of Object.entries(all)) await writeFile(join(folder, name), `${text}\n`)
  await mkdir(join(folder, 'api-keys'))
  for (const name of ['postgres-access', 'kafka-access', 'kafka-certificate']) await mkdir(join(folder, name))
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text)
  const [http, telemetry] = [wanted.httpPort ?? (await freePort()), await freePort()]
  const inner = wanted.innerPort ?? (await freePort())
  // A role must not outlive whoever started it, however that ends.
  const program = [process.execPath, ...nodeFlags(role), join(root, 'dataservice/main.ts'), role]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      [mounts.settings.variable]: settingsPath,
      [mounts.credentials.variable]: folder,
      [mounts.apiKeys.variable]: join(folder, 'api-keys'),
      [mounts.keySet.variable]: join(folder, 'jwks.json'),
      [mounts.kafkaAccess.variable]: join(folder, 'kafka-access'),
      [mounts.kafkaAuthority.variable]: join(folder, 'kafka-ca.crt'),
      [mounts.kafkaIdentity.variable]: join(folder, 'kafka-certificate'),
      [mounts.postgresAccess.variable]: join(folder, 'postgres-access'),
      [mounts.postgresAuthority.variable]: join(folder, 'postgres-ca.crt'),
      ...(certificates !== undefined && { [mounts.certificates.variable]: certificates }),
      DATASERVICE_HTTP_PORT: String(http),
      DATASERVICE_INNER_PORT: String(inner),
      DATASERVICE_TELEMETRY_PORT: String(telemetry),
      DATASERVICE_DRAIN_MS: String(drainMs),
    },
  })
  const exited = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null)
  const log = collected(child)
  const probe = (path: string) => fetch(`http://127.0.0.1:${telemetry}${path}`)
  if (child.pid === undefined) throw new Error(`${process.execPath} could not be started`)
  return {
    folder,
    url: `http://127.0.0.1:${http}`,
    pid: child.pid,
    readiness: () =>
      probe(probePaths.ready).then(
        answer => answer.status,
        () => 0,
      ),
    liveness: async () => (await probe(probePaths.live)).status,
    metrics: async () => (await probe(probePaths.metrics)).text(),
    progress: async () => (await probe(probePaths.progress)).text(),
    signal: name => void child.kill(name),
    exitCode: exited,
    log,
    async remove() {
      if (child.exitCode === null) child.kill('SIGKILL')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function collected(child: ChildProcess): () => string {
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}

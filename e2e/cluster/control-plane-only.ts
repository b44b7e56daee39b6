/** etcd and the API server alone, for tests that need the real API but no pods. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '#e2e/engines/ports.ts'
import { ensurePackages } from '#tools/packages.ts'
import { run } from '#tools/shell.ts'
import { ApiClient } from './api-client.ts'
import { ensureBinaries } from './binaries.ts'
import * as plane from './control-plane.ts'
import { ensureCertificates, kubeconfig } from './pki.ts'
import { ensureRunning, pidFileOf, runningProcess, stop } from './processes.ts'
import { waitFor } from './waiting.ts'

export interface ControlPlaneHandle {
  /** Path of a kubeconfig of a cluster administrator. */
  kubeconfig: string
  /** Path of the audit log: one JSON event a line. */
  auditLog: string
  /** Folder with kubectl. */
  binFolder: string
  kubectl(args: readonly string[], options?: { input?: string }): Promise<string>
  /** Forgets all states before the newest one: a watch from an older one gets 410. */
  compact(): Promise<void>
  /** Ends all processes and removes their data. */
  stop(): Promise<void>
}

export interface ControlPlaneOptions {
  /** Part of the data folder's name, to tell several apart. */
  name: string
  /** Controllers of Kubernetes that run beside, by the names that kube-controller-manager gives them. Default: none. */
  controllers?: readonly string[]
  /** Older states stay until `compact` is called; else the API server forgets them after five minutes. */
  keepsHistory?: boolean
  /** Many objects: etcd may grow to 8 GiB, no request is written down, and memory is collected half as often up to 13 GiB. */
  isLarge?: boolean
}

/** Tests that are killed stop nothing; the kernel then does. */
const endsWithUs = ['setpriv', '--pdeathsig', 'KILL', '--'] as const

/**
 * Brings up etcd and the API server on free ports of this machine, with data of their own, and the controllers that are
 * asked for. Needs no root.
 */
export async function controlPlaneUp(options: ControlPlaneOptions): Promise<ControlPlaneHandle> {
  const { name, controllers = [], keepsHistory = false, isLarge = false } = options
  await ensurePackages({ programs: { openssl: 'openssl' } })
  const binaries = await ensureBinaries('kubernetes')
  const folder = await mkdtemp(join(tmpdir(), `dataservice-${name}-`))
  const settings = await settingsFor(binaries, folder)
  try {
    await prepare(name, settings)
    await startBoth(settings, {
      etcd: isLarge ? ['--quota-backend-bytes=8589934592'] : [],
      env: isLarge ? { GOGC: '200', GOMEMLIMIT: '13GiB' } : {},
      apiServer: [
        ...(keepsHistory ? ['--etcd-compaction-interval=0'] : []),
        ...(isLarge ? ['--audit-log-path='] : []),
      ],
    })
    if (controllers.length > 0) await startControllers(settings, controllers)
  } catch (cause) {
    await stopAll(folder) // the folder stays: the error names the logs in it
    throw cause
  }
  const config = join(folder, 'kubeconfig')
  const base = ['--kubeconfig', config]
  return {
    kubeconfig: config,
    auditLog: settings.auditLog,
    binFolder: binaries,
    kubectl: (args, options) => run(join(binaries, 'kubectl'), [...base, ...args], options),
    compact: () => compact(settings.etcdPort),
    stop: async () => {
      await stopAll(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function settingsFor(binaries: string, folder: string): Promise<plane.ControlPlane> {
  const [port, etcdPort, etcdPeerPort] = [await freePort(), await freePort(), await freePort()]
  return {
    binaries,
    folder,
    pkiFolder: join(folder, 'pki'),
    auditLog: join(folder, 'audit.log'),
    address: '127.0.0.1',
    port,
    // Room for the Services of ten thousand DataServices.
    serviceRange: '10.0.0.0/12',
    apiServiceAddress: '10.0.0.1',
    loopback: '127.0.0.1',
    etcdPort,
    etcdPeerPort,
  }
}

async function prepare(name: string, settings: plane.ControlPlane): Promise<void> {
  const { admin, controllers, frontProxy } = plane.users
  await mkdir(settings.folder, { recursive: true })
  const certificates = [admin, controllers, frontProxy, plane.apiServerCertificate(settings)]
  await ensureCertificates(settings.pkiFolder, certificates)
  await writeFile(plane.auditPolicyFile(settings), JSON.stringify(plane.auditPolicy))
  const configOf = (certificate: string) =>
    kubeconfig({
      cluster: name,
      server: `https://${settings.address}:${settings.port}`,
      pkiFolder: settings.pkiFolder,
      certificate,
    })
  await writeFile(join(settings.folder, 'kubeconfig'), configOf(admin.name))
  await writeFile(join(settings.pkiFolder, `${controllers.name}.kubeconfig`), configOf(controllers.name))
}

async function startControllers(settings: plane.ControlPlane, names: readonly string[]): Promise<void> {
  const name = 'kube-controller-manager'
  const [program, ...args] = plane.controllerManager(settings, plane.shortDelays)
  // No port: several control planes run side by side, and nobody asks it anything.
  const argv = [
    ...endsWithUs,
    program,
    ...args,
    `--controllers=${names.join(',')}`,
    '--secure-port=0',
  ] as const
  const log = join(settings.folder, `${name}.log`)
  await ensureRunning({ name, argv, log, pidFile: pidFileOf(settings.folder, name) })
}

/** By the JSON gateway of etcd: its own program for it is not among those that are built. */
async function compact(etcdPort: number): Promise<void> {
  const ask = async (path: string, body: object): Promise<unknown> => {
    const url = `http://127.0.0.1:${etcdPort}/v3/${path}`
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`etcd: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }
  const found = await ask('kv/range', { key: Buffer.from('/').toString('base64'), limit: 1 })
  const revision = /"revision":"(\d+)"/.exec(JSON.stringify(found))?.[1]
  if (revision === undefined) throw new Error('etcd tells no revision')
  await ask('kv/compaction', { revision, physical: true })
}

interface MoreArguments {
  etcd: readonly string[]
  apiServer: readonly string[]
  env: Readonly<Record<string, string>>
}

async function startBoth(settings: plane.ControlPlane, more: MoreArguments): Promise<void> {
  const commands = {
    etcd: [...plane.etcd(settings), ...more.etcd],
    'kube-apiserver': [...plane.apiServer(settings), ...more.apiServer],
  } as const
  const log = (name: string) => join(settings.folder, `${name}.log`)
  for (const [name, command] of Object.entries(commands)) {
    const argv = [...endsWithUs, ...command] as const
    await ensureRunning({
      name,
      argv,
      log: log(name),
      pidFile: pidFileOf(settings.folder, name),
      env: more.env,
    })
  }
  const api = ApiClient.withCertificate({
    server: `https://${settings.address}:${settings.port}`,
    pkiFolder: settings.pkiFolder,
    certificate: plane.users.admin.name,
  })
  await waitFor(() => api.isReady(), {
    what: 'the API server',
    timeoutMs: 60_000,
    everyMs: 100,
    logs: Object.keys(commands).reverse().map(log),
    hopeless: () => {
      const ended = Object.keys(commands).find(name => !runningProcess(pidFileOf(settings.folder, name)))
      return ended && `${ended} ended`
    },
  })
  api.close()
}

/** The API server first: without etcd it would hold its port for about a minute. */
async function stopAll(folder: string): Promise<void> {
  await stop(pidFileOf(folder, 'kube-controller-manager'), { patienceMs: 3_000 })
  await stop(pidFileOf(folder, 'kube-apiserver'), { patienceMs: 3_000 })
  await stop(pidFileOf(folder, 'etcd'), { patienceMs: 3_000 })
}

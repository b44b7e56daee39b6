/** etcd and the API server alone, for tests that need the real API but no pods. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  /** Ends both processes and removes their data. */
  stop(): Promise<void>
}

export interface ControlPlaneOptions {
  /** Part of the data folder's name, to tell several apart. */
  name: string
}

/** Tests that are killed stop nothing; the kernel then does. */
const endsWithUs = ['setpriv', '--pdeathsig', 'KILL', '--'] as const

/** Brings up etcd and the API server on free ports of this machine, with data of their own. Needs no root. */
export async function controlPlaneUp({ name }: ControlPlaneOptions): Promise<ControlPlaneHandle> {
  await ensurePackages({ programs: { openssl: 'openssl' } })
  const binaries = await ensureBinaries('kubernetes')
  const folder = await mkdtemp(join(tmpdir(), `dataservice-${name}-`))
  const settings = await settingsFor(binaries, folder)
  try {
    await prepare(name, settings)
    await startBoth(settings)
  } catch (cause) {
    await stopBoth(folder) // the folder stays: the error names the logs in it
    throw cause
  }
  const config = join(folder, 'kubeconfig')
  const base = ['--kubeconfig', config]
  return {
    kubeconfig: config,
    auditLog: settings.auditLog,
    binFolder: binaries,
    kubectl: (args, options) => run(join(binaries, 'kubectl'), [...base, ...args], options),
    stop: async () => {
      await stopBoth(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function settingsFor(binaries: string, folder: string): Promise<plane.ControlPlane> {
  const [port, etcdPort, etcdPeerPort] = await freePorts()
  return {
    binaries,
    folder,
    pkiFolder: join(folder, 'pki'),
    auditLog: join(folder, 'audit.log'),
    address: '127.0.0.1',
    port,
    serviceRange: '10.0.0.0/24',
    apiServiceAddress: '10.0.0.1',
    loopback: '127.0.0.1',
    etcdPort,
    etcdPeerPort,
  }
}

async function prepare(name: string, settings: plane.ControlPlane): Promise<void> {
  const { admin, frontProxy } = plane.users
  await mkdir(settings.folder, { recursive: true })
  await ensureCertificates(settings.pkiFolder, [admin, frontProxy, plane.apiServerCertificate(settings)])
  await writeFile(plane.auditPolicyFile(settings), JSON.stringify(plane.auditPolicy))
  const config = kubeconfig({
    cluster: name,
    server: `https://${settings.address}:${settings.port}`,
    pkiFolder: settings.pkiFolder,
    certificate: admin.name,
  })
  await writeFile(join(settings.folder, 'kubeconfig'), config)
}

async function startBoth(settings: plane.ControlPlane): Promise<void> {
  const commands = { etcd: plane.etcd(settings), 'kube-apiserver': plane.apiServer(settings) }
  const log = (name: string) => join(settings.folder, `${name}.log`)
  for (const [name, command] of Object.entries(commands)) {
    const argv = [...endsWithUs, ...command] as const
    await ensureRunning({ name, argv, log: log(name), pidFile: pidFileOf(settings.folder, name) })
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
async function stopBoth(folder: string): Promise<void> {
  await stop(pidFileOf(folder, 'kube-apiserver'), { patienceMs: 3_000 })
  await stop(pidFileOf(folder, 'etcd'), { patienceMs: 3_000 })
}

/** Three free ports. They are held together, so that they differ, and freed just before they are used. */
async function freePorts(): Promise<[number, number, number]> {
  const servers = [createServer(), createServer(), createServer()]
  const ports = await Promise.all(
    servers.map(
      server =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => {
            const address = server.address()
            if (address && typeof address === 'object') resolve(address.port)
          })
        }),
    ),
  )
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  const [first, second, third] = ports
  if (first === undefined || second === undefined || third === undefined) throw new Error('no free ports')
  return [first, second, third]
}

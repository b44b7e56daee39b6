/** The part of an embedded cluster that runs on the host: the control plane and the addons. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '#tools/shell.ts'
import * as addon from './addons.ts'
import { ApiClient } from './api-client.ts'
import { hostSideFile } from './cgroups.ts'
import * as plane from './control-plane.ts'
import { inNode, type Layout } from './layout.ts'
import { kubeletCertificate } from './node-config.ts'
import { type CertificateRequest, ensureCertificates, kubeconfig } from './pki.ts'
import { ensureRunning, pidFileOf, runningProcess, stop } from './processes.ts'
import { waitFor } from './waiting.ts'

const store = 'etcd'
const api = 'kube-apiserver'
const controllers = ['kube-controller-manager', 'kube-scheduler'] as const
const addons = ['coredns', 'volumes', 'metrics-server'] as const

/** Names of the host's processes, as in log and pid files. */
export const hostProcesses = [store, api, ...controllers, ...addons] as const
export type HostProcess = (typeof hostProcesses)[number]

export function hostLog(layout: Layout, name: HostProcess): string {
  return join(layout.logFolder, `${name}.log`)
}

export function controlPlaneOf(layout: Layout, binaries: string): plane.ControlPlane {
  return {
    binaries,
    pkiFolder: layout.pkiFolder,
    folder: layout.runFolder,
    auditLog: layout.auditLog,
    address: layout.hostAddress,
    port: 6443,
    serviceRange: layout.serviceRange,
    apiServiceAddress: layout.apiServiceAddress,
    loopback: layout.loopback,
    etcdPort: 2379,
    etcdPeerPort: 2380,
  }
}

/** Certificates, kubeconfigs and settings of everything, nodes included. */
export async function writeHostFiles(layout: Layout, settings: plane.ControlPlane): Promise<void> {
  await mkdir(layout.logFolder, { recursive: true })
  const kubelets: CertificateRequest[] = layout.nodes.map(node => ({
    name: kubeletCertificate(node),
    user: `system:node:${node.name}`,
    group: 'system:nodes',
    dnsNames: [node.name],
    addresses: [node.address],
  }))
  const onHost = [...Object.values(plane.users), ...addon.addonCertificates(layout)]
  await ensureCertificates(layout.pkiFolder, [plane.apiServerCertificate(settings), ...onHost, ...kubelets])
  const agents = [plane.users.proxy.name, addon.addonUsers.firewall.name]
  const usedInNodes = new Set<string>([...kubelets.map(({ name }) => name), ...agents])
  for (const { name } of [...onHost, ...kubelets])
    await writeFile(
      join(layout.pkiFolder, `${name}.kubeconfig`),
      kubeconfig({
        cluster: layout.name,
        server: layout.apiServer,
        pkiFolder: usedInNodes.has(name) ? inNode.pki : layout.pkiFolder,
        certificate: name,
      }),
    )
  await writeFile(
    layout.kubeconfig,
    readFileSync(join(layout.pkiFolder, `${plane.users.admin.name}.kubeconfig`)),
  )
  await writeFile(plane.auditPolicyFile(settings), JSON.stringify(plane.auditPolicy))
  await addon.writeAddonFiles(layout)
}

/** Starts etcd and the API server, then what talks to it. Resolves when the API server is ready. */
export async function startControlPlane(
  layout: Layout,
  settings: plane.ControlPlane,
  delays: plane.AutoscalerDelays,
): Promise<void> {
  await startOnHost(layout, store, plane.etcd(settings))
  await startOnHost(layout, api, plane.apiServer(settings))
  const client = adminClient(layout)
  await waitFor(() => client.isReady(), {
    what: 'the API server',
    timeoutMs: 90_000,
    everyMs: 100,
    logs: [hostLog(layout, api), hostLog(layout, store)],
    hopeless: () => endedProcess(layout, [store, api]),
  })
  client.close()
  await startOnHost(layout, 'kube-controller-manager', plane.controllerManager(settings, delays))
  await startOnHost(layout, 'kube-scheduler', plane.scheduler(settings))
}

export function adminClient(layout: Layout): ApiClient {
  const { apiServer: server, pkiFolder } = layout
  return ApiClient.withCertificate({ server, pkiFolder, certificate: plane.users.admin.name })
}

/** Tells the cluster of its addons. Applying them again changes nothing. */
export async function applyAddonObjects(layout: Layout, kubectl: string): Promise<void> {
  const caBundle = readFileSync(join(layout.pkiFolder, 'ca.crt')).toString('base64')
  const list = { apiVersion: 'v1', kind: 'List', items: addon.addonObjects(layout, caBundle) }
  const args = ['--kubeconfig', layout.kubeconfig, 'apply', '--server-side', '--force-conflicts', '-f', '-']
  await run(kubectl, args, { input: JSON.stringify(list) })
}

/** Starts one addon and waits until it does its work. */
export async function startAddon(layout: Layout, { name, argv, isHealthy }: addon.Addon): Promise<void> {
  await startOnHost(layout, name, argv)
  if (!isHealthy) return
  await waitFor(isHealthy, {
    what: name,
    timeoutMs: 30_000,
    everyMs: 100,
    logs: [hostLog(layout, name)],
    hopeless: () => endedProcess(layout, [name]),
  })
}

/** Ends the host's processes. The API server goes before etcd: without it, it would hold its port for a minute. */
export async function stopHostSide(layout: Layout): Promise<void> {
  const end = (name: HostProcess, patienceMs = 3_000) =>
    stop(pidFileOf(layout.runFolder, name), { patienceMs })
  await Promise.all([...addons, ...controllers].map(name => end(name)))
  await end(api, 10_000)
  await end(store)
}

function startOnHost(layout: Layout, name: HostProcess, argv: plane.Argv) {
  return ensureRunning({
    name,
    argv,
    log: hostLog(layout, name),
    pidFile: pidFileOf(layout.runFolder, name),
    cgroupFiles: [hostSideFile(layout)],
  })
}

/** Says which of these processes has ended, if one has. */
function endedProcess(layout: Layout, names: readonly HostProcess[]): string | undefined {
  const ended = names.find(name => !runningProcess(pidFileOf(layout.runFolder, name)))
  return ended && `${ended} of cluster ${layout.name} ended`
}

/** True when the API server's process runs; it may not be ready. */
export function hasControlPlane(layout: Layout): boolean {
  return existsSync(layout.kubeconfig) && runningProcess(pidFileOf(layout.runFolder, api)) !== undefined
}

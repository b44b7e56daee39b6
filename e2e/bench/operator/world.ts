/** API server and etcd without any kubelet, DataServices in it, and workloads that are ready as soon as they are asked for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apiVersion, type DataService, plural } from '#crds/v1alpha1/resource.ts'
import { inTurns } from '#e2e/chaos/operator/in-turns.ts'
import { playedKinds, startPlaying } from '#e2e/chaos/operator/player.ts'
import { type ControlPlaneHandle, controlPlaneUp } from '#e2e/cluster/control-plane-only.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import { accessFromEnvironment } from '#operator/cluster/access.ts'
import { kubernetesCluster } from '#operator/cluster/kubernetes.ts'
import { silentLog } from '#operator/cluster/log.ts'
import type { ClusterPort, ObjectStore, WatchPort } from '#operator/cluster/port.ts'
import { createTransport } from '#operator/cluster/transport.ts'
import { keepingAlone } from '#operator/desired/keeping.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { smallestSpec } from '#operator/testing/data-service.ts'
import { root } from '#tools/workspace.ts'

export interface World {
  control: ControlPlaneHandle
  /** For kubeconfigs and topics; it goes with the world. */
  folder: string
  admin: ClusterPort & WatchPort
  services: ObjectStore<DataService>
  /** Writes that were not the operator's: declaring and playing. */
  ownWrites(): number
  /** Resolves when it is true; rejects after so long. */
  until(check: () => boolean, timeoutMs: number): Promise<void>
  /** Makes so many DataServices, some in each namespace. */
  declare(count: number, prefix: string): Promise<void>
}

/** A team has some. */
const eachNamespace = 20
const writes = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

export async function worldUp(resources: AsyncDisposableStack): Promise<World> {
  const control = await controlPlaneUp({ name: 'bench', isLarge: true })
  resources.defer(() => control.stop())
  const folder = await mkdtemp(join(tmpdir(), 'dataservice-bench-'))
  resources.defer(() => rm(folder, { recursive: true, force: true }))
  await installed(control)
  let own = 0
  const access = accessFromEnvironment(control.kubeconfig)
  const transport = createTransport({
    access,
    version: 'bench',
    onAnswer: (method, status) => {
      own += writes.has(method) && status >= 200 && status < 300 ? 1 : 0
    },
  })
  resources.defer(() => transport.close())
  const admin = kubernetesCluster({ transport, log: silentLog, manager: 'user', statusManager: 'played' })
  const services = admin.watch<DataService>('DataService', {}, keepingAlone)
  const played = playedKinds.map(kind => admin.watch<ObservedChild>(kind))
  for (const store of [services, ...played]) resources.defer(() => store.stop())
  await Promise.all([services, ...played].map(store => store.synced))
  resources.defer(startPlaying(admin, played))
  return {
    control,
    folder,
    admin,
    services,
    ownWrites: () => own,
    until: (check, timeoutMs) =>
      waitFor(check, { what: 'the DataServices', timeoutMs, everyMs: 100, logs: [] }),
    declare: declaring(admin),
  }
}

function declaring(admin: ClusterPort): World['declare'] {
  return async (count, prefix) => {
    const namespaces = Array.from(
      { length: Math.ceil(count / eachNamespace) },
      (_, n) => `${prefix}-${n + 1}`,
    )
    await inTurns(namespaces, 8, async name => {
      await admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    })
    const all = Array.from({ length: count }, (_, n) => n)
    await inTurns(all, 8, async n => {
      const namespace = namespaces[Math.floor(n / eachNamespace)] ?? ''
      const metadata = { name: `orders-${n % eachNamespace}`, namespace }
      const service = { apiVersion, kind: 'DataService', metadata, spec: smallestSpec }
      await admin.create(service)
    })
  }
}

/** Our kinds, and the operator's rights. */
async function installed(control: ControlPlaneHandle): Promise<void> {
  await control.kubectl(['apply', '--kustomize', join(root, 'crds')])
  await control.kubectl(['apply', '--kustomize', join(root, 'config', 'default')])
  const isServed = () =>
    control.kubectl(['get', plural, '--all-namespaces']).then(
      () => true,
      () => false,
    )
  await waitFor(isServed, { what: `${plural} to be served`, timeoutMs: 30_000, logs: [] })
}

export const isReady = ({ status, metadata }: DataService): boolean =>
  status?.observedGeneration === metadata.generation &&
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true

/** Samples of a counter of the API server, summed up over those whose labels fit. */
export async function counted(
  { control }: Pick<World, 'control'>,
  metric: string,
  fits: (labels: Readonly<Record<string, string>>) => boolean,
): Promise<number> {
  const text = await control.kubectl(['get', '--raw', '/metrics'])
  let sum = 0
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${metric}{`)) continue
    const labels = Object.fromEntries(
      [...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
    )
    if (fits(labels)) sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  return sum
}

const changing = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE'])

/** Leases and events, and what the API server itself makes for each Service. */
const others = new Set(['leases', 'events', 'ipaddresses', ''])

/** All writes that were asked of the API server, but those and what is not stored. */
export const writesMade = (world: Pick<World, 'control'>): Promise<number> =>
  counted(
    world,
    'apiserver_request_total',
    ({ verb = '', resource = '', code = '' }) =>
      changing.has(verb) && code.startsWith('2') && !others.has(resource) && !resource.includes('reviews'),
  )

/** API server and etcd without any kubelet, DataServices in it, and workloads that are ready as soon as they are asked for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apiVersion, type DataService, plural } from '#crds/v1alpha1/resource.ts'
import { inTurns } from '#e2e/chaos/operator/in-turns.ts'
import { operatorKubeconfig } from '#e2e/chaos/operator/operator-process.ts'
import { siteOf } from '#e2e/chaos/operator/plane.ts'
import { playedKinds, startPlaying } from '#e2e/chaos/operator/player.ts'
import { type ControlPlaneHandle, controlPlaneUp } from '#e2e/cluster/control-plane-only.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import { accessFromEnvironment } from '#operator/cluster/access.ts'
import { kubernetesCluster } from '#operator/cluster/kubernetes.ts'
import { silentLog } from '#operator/cluster/log.ts'
import type { ClusterPort, ObjectStore, WatchPort } from '#operator/cluster/port.ts'
import { createTransport } from '#operator/cluster/transport.ts'
import { keepingOwners } from '#operator/desired/keeping.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { smallestSpec } from '#operator/testing/data-service.ts'
import { step } from '#tools/progress.ts'
import { root } from '#tools/workspace.ts'

export interface World {
  control: ControlPlaneHandle
  /** As the operator's ServiceAccount: a token is cheaper for the API server than a certificate with each request. */
  kubeconfig: string
  /** For kubeconfigs and topics; it goes with the world. */
  folder: string
  admin: ClusterPort & WatchPort
  services: ObjectStore<DataService>
  /** Writes that were not the operator's: declaring and playing. */
  ownWrites(): number
  /** Declares more until there are so many, some in each namespace; resolves when all of them are ready. */
  grow(services: number): Promise<void>
}

/** A team has some. */
const eachNamespace = 20
const longestMs = 14_400_000
const tellEvery = 500
const writes = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** Makes the API server know DataServices. */
export type Install = (control: ControlPlaneHandle) => Promise<void>

export async function worldUp(install: Install, resources: AsyncDisposableStack): Promise<World> {
  const control = await controlPlaneUp({ name: 'bench', isLarge: true })
  resources.defer(() => control.stop())
  const folder = await mkdtemp(join(tmpdir(), 'dataservice-bench-'))
  resources.defer(() => rm(folder, { recursive: true, force: true }))
  await installed(control, install)
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
  const services = admin.watch<DataService>('DataService', {}, keepingOwners)
  const ready = readyAmong(services)
  const played = playedKinds.map(kind => admin.watch<ObservedChild>(kind))
  for (const store of [services, ...played]) resources.defer(() => store.stop())
  await Promise.all([services, ...played].map(store => store.synced))
  resources.defer(startPlaying(admin, played))
  return {
    control,
    kubeconfig: await operatorKubeconfig(folder, await siteOf(control)),
    folder,
    admin,
    services,
    ownWrites: () => own,
    grow: async to => {
      const have = services.list().length
      await declared(admin, have, to)
      await waitFor(() => ready.size >= to, {
        what: `${to} ready DataServices`,
        timeoutMs: longestMs,
        everyMs: 50,
        logs: [],
      })
    },
  }
}

/** Their names, kept with each change: to look at thousands again and again would take a core. */
function readyAmong(services: ObjectStore<DataService>): ReadonlySet<string> {
  const ready = new Set<string>()
  services.onChange(({ kind, object }) => {
    const { namespace, name } = object.metadata
    const key = `${namespace}/${name}`
    if (kind === 'deleted' || !isReady(object)) ready.delete(key)
    else if (!ready.has(key) && ready.add(key).size % tellEvery === 0) step(`    ${ready.size} are ready`)
  })
  return ready
}

async function declared(admin: ClusterPort, have: number, to: number): Promise<void> {
  const numbers = Array.from({ length: to - have }, (_, n) => have + n)
  const namespaceOf = (n: number) => `team-${Math.floor(n / eachNamespace) + 1}`
  await inTurns([...new Set(numbers.map(namespaceOf))], 8, async name => {
    await admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  })
  await inTurns(numbers, 8, async n => {
    const metadata = { name: `orders-${n % eachNamespace}`, namespace: namespaceOf(n) }
    const service = { apiVersion, kind: 'DataService', metadata, spec: smallestSpec }
    await admin.create(service)
  })
}

/** Our kinds as they are shipped. */
export const ownKinds: Install = async control => {
  await control.kubectl(['apply', '--kustomize', join(root, 'crds')])
}

/** The kinds, and the operator's ServiceAccount with its rights. */
async function installed(control: ControlPlaneHandle, install: Install): Promise<void> {
  await install(control)
  await control.kubectl(['apply', '--kustomize', join(root, 'config', 'default')])
  await served(control, plural)
}

/** Resolves when the API server serves a kind that was just defined. */
export async function served(control: ControlPlaneHandle, kinds: string): Promise<void> {
  const isServed = () =>
    control.kubectl(['get', kinds, '--all-namespaces']).then(
      () => true,
      () => false,
    )
  await waitFor(isServed, { what: `${kinds} to be served`, timeoutMs: 60_000, logs: [] })
}

const isReady = ({ status, metadata }: DataService): boolean =>
  status?.conditions?.some(
    ({ type, status: is, observedGeneration }) =>
      type === 'Ready' && is === 'True' && observedGeneration === metadata.generation,
  ) === true

/** Samples of a counter of the API server, summed up over those whose labels fit. */
async function counted(
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

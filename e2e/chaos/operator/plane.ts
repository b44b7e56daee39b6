/** What all suites on the operator share: an API server with played workloads, and a copy of all that is in it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { type DataService, plural } from '#crds/v1alpha1/resource.ts'
import { type ControlPlaneHandle, controlPlaneUp } from '#e2e/cluster/control-plane-only.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import { operatorNamespace } from '#e2e/stack/install.ts'
import { accessFromEnvironment } from '#operator/cluster/access.ts'
import { kubernetesCluster } from '#operator/cluster/kubernetes.ts'
import { silentLog } from '#operator/cluster/log.ts'
import type { ClusterPort, KubernetesObject, ObjectStore, WatchPort } from '#operator/cluster/port.ts'
import { resources } from '#operator/cluster/resources.ts'
import { createTransport, type Transport } from '#operator/cluster/transport.ts'
import { watchedKinds } from '#operator/desired/children.ts'
import { kindsOfOthers } from '#operator/desired/kinds-of-others.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { besideKinds } from '#operator/desired/watched-beside.ts'
import { root } from '#tools/workspace.ts'
import { type AuditTail, auditTail } from './audit-tail.ts'
import type { Site } from './operator-process.ts'
import { playedKinds, startPlaying } from './player.ts'
import { serveTopics } from './remote-topics.ts'

export interface Plane extends Site {
  control: ControlPlaneHandle
  /** A cluster administrator whose writes are those of a user, not of the operator. */
  admin: ClusterPort & WatchPort
  transport: Transport
  services: ObjectStore<DataService>
  /** All children of a kind, of all namespaces. */
  children(kind: (typeof watchedKinds)[number]): ObjectStore<ObservedChild>
  audit: AuditTail
  /** Makes a namespace and answers its name. */
  namespace(purpose: string): Promise<string>
}

/** What the operator lists and watches, as paths name it. */
export const watchedPlurals: readonly string[] = [
  plural,
  ...[...watchedKinds, ...besideKinds('ours')].map(kind => resources[kind].plural),
]

/** Of kinds that other projects define: listed and watched from the first DataService on that uses one. */
export const pluralsOfOthers: readonly string[] = Object.values(kindsOfOthers).map(({ plural }) => plural)

/** Objects whose owner is gone go, and namespaces can be deleted; quotas are counted. */
const controllers = ['garbage-collector-controller', 'namespace-controller', 'resourcequota-controller']

/** Brought up once; what is handed to `resources` ends it. */
export async function planeUp(resources: AsyncDisposableStack): Promise<Plane> {
  const control = await controlPlaneUp({ name: 'chaos', controllers, keepsHistory: true })
  resources.defer(() => control.stop())
  const folder = await mkdtemp(join(tmpdir(), 'dataservice-chaos-'))
  resources.defer(() => rm(folder, { recursive: true, force: true }))
  const served = await serveTopics()
  resources.defer(() => served.close())
  await installed(control)
  const transport = createTransport({ access: accessFromEnvironment(control.kubeconfig), version: 'chaos' })
  resources.defer(() => transport.close())
  const admin = kubernetesCluster({ transport, log: silentLog, manager: 'user', statusManager: 'played' })
  const services = admin.watch<DataService>('DataService')
  const stores = new Map(watchedKinds.map(kind => [kind, admin.watch<ObservedChild>(kind)]))
  for (const store of [services, ...stores.values()]) resources.defer(() => store.stop())
  const children: Plane['children'] = kind => {
    const store = stores.get(kind)
    if (store === undefined) throw new Error(`${kind} is not watched`)
    return store
  }
  await Promise.all([services, ...stores.values()].map(store => store.synced))
  resources.defer(startPlaying(admin, playedKinds.map(children)))
  const audit = auditTail(control.auditLog)
  resources.defer(() => audit.close())
  return {
    ...(await siteOf(control)),
    topicsUrl: served.url,
    folder,
    control,
    admin,
    transport,
    services,
    children,
    audit,
    namespace: namespaces(admin),
  }
}

function namespaces(admin: ClusterPort): Plane['namespace'] {
  let made = 0
  return async purpose => {
    made += 1
    const name = `${purpose}-${made}`
    const namespace: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
    await admin.create(namespace)
    return name
  }
}

/** Our kinds, and the operator's ServiceAccount with what is shipped. */
async function installed(control: ControlPlaneHandle): Promise<void> {
  await control.kubectl(['apply', '--kustomize', join(root, 'crds')])
  await control.kubectl(['apply', '--kustomize', join(root, 'config', 'default')])
  const isServed = () =>
    control.kubectl(['get', plural, '--all-namespaces']).then(
      () => true,
      () => false,
    )
  await waitFor(isServed, { what: `${plural} to be served`, timeoutMs: 30_000, logs: [control.auditLog] })
}

/** How the operator's ServiceAccount reaches an API server on which it is installed. */
export async function siteOf(control: ControlPlaneHandle): Promise<Pick<Site, 'server' | 'ca' | 'token'>> {
  const config: unknown = parse(await readFile(control.kubeconfig, 'utf8'))
  const { server, 'certificate-authority': authority } = clusterOf(config)
  const create = ['create', 'token', 'dataservice-operator', '--duration=24h']
  const token = await control.kubectl(['-n', operatorNamespace, ...create])
  return { server, ca: await readFile(authority), token: token.trim() }
}

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority': string } }[]
}

function clusterOf(config: unknown): Kubeconfig['clusters'][number]['cluster'] {
  const [first] = (config as Kubeconfig).clusters // written by our own pki.ts
  if (first === undefined) throw new Error('the kubeconfig names no cluster')
  return first.cluster
}

/**
 * People who may make DataServices in their own namespace put what they like into every string of them. The operator asks
 * for nothing outside their namespaces, calls nobody they name, tells no secret, and makes no pod that Kubernetes would not
 * let them make themselves.
 */
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { apiVersion } from '#crds/v1alpha1/resource.ts'
import { atLeast, atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { type AuditEvent, told as textOf } from '#e2e/cluster/audit.ts'
import { isClusterError } from '#operator/cluster/errors.ts'
import { collectionPath } from '#operator/cluster/paths.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { resources as kinds } from '#operator/cluster/resources.ts'
import { watchedKinds } from '#operator/desired/children.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { type Guise, hostileGuises } from './guises.ts'
import type { Trap } from './hostile-specs.ts'
import { inTurns } from './in-turns.ts'
import { conditionOf, declare, eventually, firstSpec, untilReady } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import { type Plane, pluralsOfOthers, watchedPlurals } from './plane.ts'

const guises = { smoke: 60, full: 2_000 } as const
/** So many strings have to come past the API server, or nothing was tried. */
const fieldsLetIn = { smoke: 10, full: 60 } as const
const atOnce = 8
const settlesMs = 180_000
/** Nobody but who owns it may tell it. */
const canary = 'canary-5f0e7c41'
/** Nothing is looked at again by itself, so that each request has a cause here. */
const resyncSeconds = 86_400

export async function tenants(
  plane: Plane,
  { size, chance, resources, say }: SuiteContext,
): Promise<Figure[]> {
  const listener = await startListener(resources)
  const trap = await laidTrap(plane, listener.address)
  const homes = await Promise.all(Array.from({ length: atOnce }, () => restricted(plane)))
  await using operator = await startOperatorProcess(plane, { resyncSeconds })
  await operator.working()
  await declare(plane, trap.namespace, firstSpec)
  await untilReady(plane, trap.namespace)
  await atRest(plane)
  const from = (await plane.audit.requests()).length
  const all = await hostileGuises(trap, guises[size], chance.between(0, 2 ** 31 - 1))
  const seen = nothingSeen()
  const places = [...homes]
  await inTurns(all, atOnce, async guise => {
    const home = places.pop() ?? ''
    await lived(plane, { home, guise, log: operator.log }, seen)
    await plane.audit.requests() // soon enough to lose none
    places.push(home)
  })
  await atRest(plane)
  const requests = (await plane.audit.requests()).slice(from)
  const outside = requests.filter(request => !isAtHome(request, new Set(homes)))
  await searchLast(plane, { homes, log: operator.log }, seen)
  const tellers = [...seen.tellers].map(teller => `a secret stands in ${teller}`)
  for (const complaint of [...outside.map(textOf), ...tellers, ...seen.complaints]) say(complaint)
  return [
    told('strings that the schemas know', new Set(all.flatMap(({ paths }) => paths)).size),
    ...figuresOf(seen, size),
    told('requests of the operator', requests.length),
    atMost('requests outside the namespaces of those who asked', outside.length, 0),
    atMost('connections to who was named', listener.calls(), 0),
    atMost('places where a secret is told', seen.tellers.size, 0),
    atMost('operators that ended by themselves', operator.isAlive ? 0 : 1, 0),
  ]
}

const figuresOf = (seen: Seen, size: SuiteContext['size']): Figure[] => [
  atLeast('of them let in with what was put into them', seen.fields.size, fieldsLetIn[size]),
  told('resources refused by the API server', seen.refused),
  told('refused by the operator', seen.stalled),
  told('held by an annotation', seen.held),
  told('ready', seen.ready),
  atLeast('objects searched for a secret', seen.searched, seen.stalled + seen.held + seen.ready),
  atMost('without a verdict, and pods that Kubernetes refuses to a tenant', seen.complaints.length, 0),
]

type Verdict = 'ready' | 'stalled' | 'held' | 'other'

interface Seen extends Record<Verdict, number> {
  refused: number
  fields: Set<string>
  searched: number
  /** Whatever has the canary in it. */
  tellers: Set<string>
  complaints: string[]
}

const nothingSeen = (): Seen => ({
  refused: 0,
  stalled: 0,
  ready: 0,
  held: 0,
  other: 0,
  fields: new Set(),
  searched: 0,
  tellers: new Set(),
  complaints: [],
})

interface Tenant {
  home: string
  guise: Guise
  /** Of the operator, as far as it is kept. */
  log: () => string
}

/** Made, looked at, removed. */
async function lived(plane: Plane, { home, guise, log }: Tenant, seen: Seen): Promise<void> {
  const { name, spec, annotations, classSpec, paths } = guise
  const ofClass = { apiVersion, kind: 'DataServiceClass', metadata: { name }, spec: classSpec }
  const metadata = { name, namespace: home, annotations }
  const service = { apiVersion, kind: 'DataService', metadata, spec }
  const isIn =
    (classSpec === undefined || (await isAccepted(plane, ofClass))) && (await isAccepted(plane, service))
  if (!isIn) {
    seen.refused += 1
    return
  }
  for (const path of paths) seen.fields.add(path)
  const verdict = await verdictOn(plane, home, name)
  seen[verdict] += 1
  if (verdict === 'other') {
    const said = plane.services.get(home, name)?.status?.conditions
    seen.complaints.push(`${name} has no verdict, but ${JSON.stringify(said)}: ${JSON.stringify(spec)}`)
  }
  seen.complaints.push(...(await refusedPods(plane, home, name)))
  search(plane, { home, log }, seen)
  const found = plane.services.get(home, name)
  const uid = found?.metadata.uid
  if (uid !== undefined)
    await plane.admin.remove(
      { kind: 'DataService', namespace: home, name },
      { uid, propagation: 'Background' },
    )
}

/** Whatever there is of the tenant now, but for Secrets, which may hold what is secret. */
function search(plane: Plane, { home, log }: Pick<Tenant, 'home' | 'log'>, seen: Seen): void {
  const services = plane.services.list(home)
  for (const object of [...services, ...watchedKinds.flatMap(kind => plane.children(kind).list(home))]) {
    seen.searched += 1
    const { kind, metadata } = object
    if (JSON.stringify(object).includes(canary)) seen.tellers.add(`${kind} ${home}/${metadata.name}`)
  }
  searchLog(log, seen)
}

function searchLog(log: () => string, { tellers }: Seen): void {
  if (log().includes(canary)) tellers.add('the log of the operator')
}

/** Events outlive what they tell of, so once is enough for them. */
async function searchLast(
  { transport }: Plane,
  { homes, log }: { homes: readonly string[]; log: () => string },
  seen: Seen,
): Promise<void> {
  for (const home of homes) {
    const events = await transport.send({ method: 'GET', path: collectionPath('Event', home) })
    if (JSON.stringify(events).includes(canary)) seen.tellers.add(`an event of ${home}`)
  }
  searchLog(log, seen)
}

const isAccepted = ({ admin }: Plane, object: KubernetesObject): Promise<boolean> =>
  admin.apply(object).then(
    () => true,
    (error: unknown) => {
      if (isClusterError(error, 'Invalid')) return false
      throw error
    },
  )

/** What it says of the newest generation: that it is ready, what the user must change, that an annotation holds it, or (`other`) nothing. */
async function verdictOn(plane: Plane, home: string, name: string): Promise<Verdict> {
  const now = (): Verdict => {
    const service = plane.services.get(home, name)
    if (service?.status?.observedGeneration !== service?.metadata.generation || service === undefined)
      return 'other'
    if (conditionOf(service, 'Stalled')?.status === 'True') return 'stalled'
    if (conditionOf(service, 'Ready')?.status === 'True') return 'ready'
    const isHeld = ['Paused', 'Planned'].some(type => conditionOf(service, type)?.status === 'True')
    return isHeld ? 'held' : 'other'
  }
  await eventually(
    settlesMs,
    () => now() !== 'other',
    () => '',
  ).catch(() => {}) // told by the answer
  return now()
}

const podMakers = ['Deployment', 'StatefulSet', 'Job', 'CronJob'] as const

/** Asks the API server whether the tenant could make the pods that were made for him. */
async function refusedPods(plane: Plane, home: string, name: string): Promise<string[]> {
  const makers = podMakers.flatMap(kind => plane.children(kind).list(home))
  const mine = makers.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance'] === name)
  const found = await Promise.all(mine.map(maker => refusalOf(plane, home, maker)))
  return found.flatMap(refusal => (refusal === undefined ? [] : [`${name}: ${refusal}`]))
}

async function refusalOf(plane: Plane, home: string, maker: KubernetesObject): Promise<string | undefined> {
  const spec = podSpecOf(maker)
  if (spec === undefined) return `${maker.kind} ${maker.metadata.name} has no pod`
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'tried-' }, spec }
  const path = collectionPath('Pod', home)
  const attempt = plane.transport.send({ method: 'POST', path, query: { dryRun: 'All' }, body })
  return attempt.then(
    () => undefined,
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error)
      return text.includes('violates PodSecurity') ? text : undefined
    },
  )
}

function podSpecOf(maker: KubernetesObject): unknown {
  const inTemplate = (holder: unknown): unknown =>
    isPlainObject(holder) && isPlainObject(holder['template']) ? holder['template']['spec'] : undefined
  const spec: unknown = Reflect.get(maker, 'spec')
  const job = isPlainObject(spec) ? spec['jobTemplate'] : undefined
  return inTemplate(isPlainObject(job) ? job['spec'] : spec)
}

const watchedEverywhere: ReadonlySet<string> = new Set([...watchedPlurals, ...pluralsOfOthers])

/** Watches of all namespaces are the operator's own; else every request is about somebody's namespace. */
function isAtHome({ verb, objectRef }: AuditEvent, homes: ReadonlySet<string>): boolean {
  if (objectRef?.namespace !== undefined) return homes.has(objectRef.namespace)
  return ['watch', 'list'].includes(verb) && watchedEverywhere.has(objectRef?.resource ?? '')
}

/** What tenants would like to have: a namespace with a Secret, a ConfigMap and a DataService in it. */
async function laidTrap(plane: Plane, listener: string): Promise<Trap> {
  const namespace = await plane.namespace('victim')
  const object = 'prize'
  for (const kind of ['Secret', 'ConfigMap'] as const) {
    const field = kind === 'Secret' ? 'stringData' : 'data'
    const { apiVersion } = kinds[kind]
    await plane.admin.create({ apiVersion, kind, metadata: { name: object, namespace }, [field]: { canary } })
  }
  return { namespace, object, listener }
}

async function restricted(plane: Plane): Promise<string> {
  const name = await plane.namespace('tenant')
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const contentType = 'application/merge-patch+json'
  const path = `/api/v1/namespaces/${name}`
  await plane.transport.send({ method: 'PATCH', path, contentType, body: { metadata: { labels } } })
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'own', namespace: name } }
  await plane.admin.create({ ...secret, stringData: { key: canary } } as KubernetesObject)
  return name
}

/** Nothing should ever connect. */
async function startListener(resources: AsyncDisposableStack) {
  let calls = 0
  const server = createServer(socket => {
    calls += 1
    socket.destroy()
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  resources.defer(() => new Promise<void>(done => void server.close(() => done())))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { address: `127.0.0.1:${port}`, calls: () => calls }
}

const calmMs = 2_000

/** Until the operator asks for nothing but watches. */
async function atRest(plane: Plane): Promise<void> {
  let count = -1
  let since = performance.now()
  while (performance.now() - since < calmMs) {
    const found = (await plane.audit.requests()).filter(({ verb }) => verb !== 'watch').length
    if (found !== count) since = performance.now()
    count = found
    await pause(200)
  }
}

/**
 * Another manager works on every child: it adds to it, changes what is ours, takes our labels away, deletes it, and at
 * last insists on its own value. What is ours comes back, what is theirs stays, and nobody writes without end.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { objectPath } from '#operator/cluster/paths.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import type { Kind } from '#operator/cluster/resources.ts'
import { watchedKinds } from '#operator/desired/children.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { isIn, isMutation } from './audit-tail.ts'
import { differences, type FinalState, finalState } from './final-state.ts'
import { inTurns } from './in-turns.ts'
import { calmState, declare, firstSpec, untilReady } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

const restoredWithinMs = 10_000
const mostWritesPerMinute = 3
const insistsMs = { smoke: 15_000, full: 180_000 } as const
const theirs = 'example.test/theirs'

/** A merge patch for each child; undefined: this one is left alone. `delete`: it goes. `stranger`: the uid of theirs. */
type Edit = (child: ObservedChild, stranger: string) => object | 'delete' | undefined

const edits: Readonly<Record<string, Edit>> = {
  adds: ({ metadata: { ownerReferences = [] } }, uid) => ({
    metadata: {
      labels: { [theirs]: 'kept' },
      annotations: { [theirs]: 'kept' },
      finalizers: [theirs],
      ownerReferences: [...ownerReferences, { apiVersion: 'v1', kind: 'ConfigMap', name: strangerName, uid }],
    },
  }),
  changes: child => (child.kind === 'ConfigMap' ? otherData(child) : changed[child.kind]),
  unlabels: () => ({
    metadata: { labels: { [labelKeys.managedBy]: null, [labelKeys.component]: 'theirs' } },
  }),
  deletes: () => 'delete',
}

/** Another valid value of a field that we set, for each kind that is kept as built. */
const changed: Readonly<Record<string, object>> = {
  CronJob: { spec: { schedule: '0 0 1 1 *' } },
  Deployment: { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } },
  HorizontalPodAutoscaler: { spec: { maxReplicas: 4 } },
  NetworkPolicy: { spec: { podSelector: { matchLabels: { [labelKeys.component]: 'theirs' } } } },
  PodDisruptionBudget: { spec: { maxUnavailable: 5 } },
  Service: { spec: { selector: { [labelKeys.component]: 'theirs' } } },
  ServiceAccount: { automountServiceAccountToken: true },
  StatefulSet: { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } },
}

/** The first of our texts, and one of theirs. */
const otherData = ({ data }: ObservedChild & { data?: unknown }): object => ({
  data: { added: 'by somebody', [Object.keys(Object(data))[0] ?? '']: 'theirs' },
})

const strangerName = 'theirs'

export async function foreignEdits(plane: Plane, { size, say }: SuiteContext): Promise<Figure[]> {
  await using operator = await startOperatorProcess(plane, {})
  await operator.working()
  const worlds = await Promise.all(Object.keys(edits).map(title => world(plane, title)))
  const complaints: string[] = []
  let slowest = 0
  await inTurns(worlds, 2, async each => {
    const began = performance.now()
    complaints.push(...(await edited(plane, each)))
    slowest = Math.max(slowest, (performance.now() - began) / 1000)
  })
  const insisted = await insists(plane, await world(plane, 'insists'), insistsMs[size])
  for (const complaint of complaints) say(complaint)
  return [
    told(
      'children that were edited',
      worlds.reduce((sum, { children }) => sum + children.length, 0),
    ),
    told('kinds', watchedKinds.length),
    atMost('seconds until all were restored', slowest, restoredWithinMs / 1000),
    atMost('violations', complaints.length, 0),
    told('times that somebody insisted on another value', insisted.times),
    atMost('writes to that object in a minute', insisted.writes, mostWritesPerMinute),
  ]
}

interface World {
  title: string
  namespace: string
  wanted: FinalState
  children: readonly ObservedChild[]
}

async function world(plane: Plane, title: string): Promise<World> {
  const namespace = await plane.namespace(title)
  await declare(plane, namespace, firstSpec)
  await untilReady(plane, namespace)
  // As an autoscaler and a person would; a Deployment that is made anew begins with our numbers.
  if (title !== 'deletes') {
    await plane.admin.scale({ kind: 'Deployment', namespace, name: 'orders-gateway' }, 7, 3)
    await plane.admin.scale({ kind: 'Deployment', namespace, name: 'orders-writer' }, 1, 2)
  }
  await calmState(plane, namespace)
  return { title, namespace, wanted: oursIn(plane, namespace), children: childrenOf(plane, namespace) }
}

const childrenOf = (plane: Plane, namespace: string): ObservedChild[] =>
  watchedKinds.flatMap(kind =>
    plane.children(kind).list(namespace, ({ metadata }) => metadata.name !== strangerName),
  )

/** The children, without what the stranger added. */
function oursIn(plane: Plane, namespace: string): FinalState {
  return finalState(
    namespace,
    childrenOf(plane, namespace).map(({ status: _, ...child }) => ({
      ...child,
      ...('data' in child && { data: without(Object(child.data), 'added') }),
      metadata: {
        ...child.metadata,
        labels: without(child.metadata.labels, theirs),
        annotations: without(child.metadata.annotations, theirs),
        finalizers: [],
        ownerReferences: (child.metadata.ownerReferences ?? []).filter(({ kind }) => kind === 'DataService'),
      },
    })),
  )
}

const without = (record: Record<string, string> = {}, key: string): Record<string, string> =>
  Object.fromEntries(Object.entries(record).filter(([each]) => each !== key))

async function edited(plane: Plane, { title, namespace, wanted, children }: World): Promise<string[]> {
  const edit = edits[title]
  const from = (await plane.audit.requests()).length
  const stranger = await strangerIn(plane, namespace)
  for (const child of children) await carriedOut(plane, child, edit?.(child, stranger))
  const complaints = await restored(plane, namespace, wanted)
  if (title === 'deletes') return complaints.map(each => `${title}: ${each}`) // to make one takes several writes
  if (title === 'adds') complaints.push(...(await untilNone(() => keptIn(plane, namespace))))
  const counts = writesOf((await plane.audit.requests()).slice(from).filter(isIn(namespace)))
  for (const [object, count] of counts)
    if (count > mostWritesPerMinute) complaints.push(`${object} was written ${count} times`)
  return complaints.map(each => `${title}: ${each}`)
}

async function strangerIn({ admin }: Plane, namespace: string): Promise<string> {
  const metadata = { name: strangerName, namespace }
  const creation = await admin.create<KubernetesObject>({ apiVersion: 'v1', kind: 'ConfigMap', metadata })
  return creation.kind === 'created' ? (creation.object.metadata.uid ?? '') : ''
}

async function carriedOut(plane: Plane, child: ObservedChild, patch: object | 'delete' | undefined) {
  const { name, namespace, uid = '' } = child.metadata
  const ref = { kind: child.kind as Kind, namespace, name } // all of them come from stores by kind
  if (patch === 'delete') await plane.admin.remove(ref, { uid, propagation: 'Background' })
  else if (patch !== undefined) await strangerPatches(plane, ref, patch)
}

const strangerPatches = ({ transport }: Plane, ref: Parameters<typeof objectPath>[0], body: object) =>
  transport.send({
    method: 'PATCH',
    path: objectPath(ref),
    query: { fieldManager: 'stranger' },
    contentType: 'application/merge-patch+json',
    body,
  })

const restored = (plane: Plane, namespace: string, wanted: FinalState): Promise<string[]> =>
  untilNone(() => differences(wanted, oursIn(plane, namespace)))

/** Looks until there is nothing to complain of; answers what there is in the end. */
async function untilNone(look: () => string[]): Promise<string[]> {
  const deadline = performance.now() + restoredWithinMs
  for (;;) {
    const found = look()
    if (found.length === 0 || performance.now() > deadline) return found
    await pause(100)
  }
}

/** What they added and is not there any more. */
const keptIn = (plane: Plane, namespace: string): string[] =>
  childrenOf(plane, namespace).flatMap(({ kind, metadata }) => {
    const { labels, annotations = {}, name, ownerReferences = [] } = metadata
    const kept = labels[theirs] === 'kept' && annotations[theirs] === 'kept'
    const owned = ownerReferences.some(owner => (owner.kind as string) === 'ConfigMap')
    return kept && owned ? [] : [`what was added to ${kind}/${name} is gone`]
  })

const uncounted = ['events', 'dataservices']

/** By object. What was refused is none: whether a name is taken is found out by taking it. */
function writesOf(events: readonly Parameters<typeof isMutation>[0][]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { objectRef, responseStatus } of events.filter(isMutation)) {
    const { resource = '', name = 'new' } = objectRef ?? {}
    if (responseStatus?.code === 409 || uncounted.includes(resource)) continue
    const key = `${resource}/${name}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

/** Somebody puts the own value back as soon as it is changed. Answers the operator's writes in the worst minute. */
async function insists(plane: Plane, { namespace }: World, forMs: number) {
  const ref = { kind: 'Service', namespace, name: 'orders-reader' } as const
  const from = (await plane.audit.requests()).length
  const wish = 'theirs'
  let times = 0
  const insist = async (): Promise<void> => {
    times += 1
    await strangerPatches(plane, ref, { spec: { selector: { [labelKeys.component]: wish } } })
  }
  const end = plane.children('Service').onChange(({ kind, object }) => {
    const { name, namespace: where } = object.metadata
    if (kind === 'deleted' || name !== ref.name || where !== namespace) return
    if (!JSON.stringify(object.spec?.['selector']).includes(wish)) void insist()
  })
  await insist()
  await pause(forMs) // the time is what is measured
  end()
  const writtenAt = (await plane.audit.requests())
    .slice(from)
    .filter(isIn(namespace))
    .filter(event => isMutation(event) && event.objectRef?.name === ref.name)
    .map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp))
  return { times, writes: mostInAMinute(writtenAt) }
}

const mostInAMinute = (times: readonly number[]): number =>
  Math.max(0, ...times.map(start => times.filter(time => time >= start && time < start + 60_000).length))

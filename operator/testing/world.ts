/** Worlds for the tests of decision and status: an owner, and how far its children are. */
import type { Operation } from '#crds/v1alpha1/operation.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { MirrorReport } from '#dataservice/contract/mirror.ts'
import { judgeRecord } from '#dataservice/contract/record-schema.ts'
import type { Serving } from '#operator/cluster/port.ts'
import { desiredChildren } from '#operator/desired/children.ts'
import type { ClassChoice } from '#operator/desired/class-choice.ts'
import { sealed } from '#operator/desired/drift.ts'
import { desiredTopics, type ObservedTopic, type Topic } from '#operator/desired/kafka-topics.ts'
import { annotationKeys, isOurs, retainedAnnotations } from '#operator/desired/labels.ts'
import { type DataPart, dataParts } from '#operator/desired/names.ts'
import { settingsOf } from '#operator/desired/settings-config-map.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { blockOf } from '#operator/reconcile/block.ts'
import type {
  AccessFacts,
  EndToEndFacts,
  Facts,
  FlushFacts,
  LoadFacts,
  LogFacts,
  RoomFacts,
  SecretFacts,
  TopicFacts,
} from '#operator/reconcile/facts.ts'
import { hearing } from '#operator/reconcile/hearing.ts'
import { initialisationOf } from '#operator/reconcile/initialised.ts'
import { usedKinds } from '#operator/reconcile/kinds-in-use.ts'
import { wishesNow } from '#operator/reconcile/observe.ts'
import { inOrder, nextOperation } from '#operator/reconcile/operations/at-work.ts'
import { decidedPasswords } from '#operator/reconcile/passwords/turns.ts'
import { recordVerdict } from '#operator/reconcile/record-verdict.ts'
import { type ObservedEvent, refusalsOf } from '#operator/reconcile/refusals.ts'
import { unmountedOf, waitingToMount } from '#operator/reconcile/unmounted.ts'
import type { Stand } from '#operator/reconcile/upgrade/stand.ts'
import type { WriterStop } from '#operator/reconcile/writer-stops.ts'
import { targetOf, testRevision } from './target.ts'

/** A world: which of our children exist, and how far they are. */
export interface World {
  owner: DataService
  /** Default: built in. */
  choice?: ClassChoice
  children?: readonly ObservedChild[]
  secrets?: readonly string[]
  topics?: TopicFacts
  /** Further annotations of the Secrets, by name. */
  marks?: Readonly<Record<string, Record<string, string>>>
  pods?: readonly ObservedChild[]
  /** Events that speak of the children. */
  events?: readonly ObservedEvent[]
  log?: LogFacts
  access?: AccessFacts
  /** Users that Secrets name, by the names of those. */
  users?: Readonly<Record<string, string>>
  room?: RoomFacts
  writerStops?: readonly WriterStop[]
  mirror?: MirrorReport
  flush?: FlushFacts
  load?: LoadFacts
  operations?: readonly Operation[]
  endToEnd?: EndToEndFacts
  /** Default: its pods are of the operator's revision. */
  stand?: Stand
  /** Default: every kind of others that is used is served. */
  serving?: Serving
}

export function factsOf(world: World): Facts {
  const { owner, children = [], secrets = [], topics = { kind: 'notAsked' }, pods = [], events = [] } = world
  const { choice = { kind: 'builtIn' } } = world
  const { log = { kind: 'notAsked' }, room = { kind: 'notAsked' }, writerStops = [] } = world
  const { flush = { kind: 'notAsked' }, load = { kind: 'notAsked' }, stand = 'current' } = world
  const { endToEnd = { kind: 'notAsked' }, serving = { state: 'served' } } = world
  const { access = { kind: 'notAsked' } } = world
  const secretFacts = new Map(secrets.map(name => [name, secretOf(name, world)]))
  const operations = inOrder(world.operations ?? [])
  const operation = nextOperation(operations)
  const secretsAndPods = { owner, children, pods, secrets: secretFacts, ...(operation && { operation }) }
  const initialisation = initialisationOf(secretsAndPods)
  const { effective } = targetOf(owner, children, choice)
  const passwords = decidedPasswords({ ...secretsAndPods, effective, stand })
  const target = { ...targetOf(owner, children, choice, passwords), initialisation }
  const block = blockOf(choice, target)
  const ours = children.filter(({ metadata }) => isOurs(owner, metadata))
  const verdict = recordVerdict(target, settingsOf(owner, target.effective).record, judgeRecord)
  const seen = {
    ...{ owner, target, verdict, children: ours, pods, topics, log, flush, operations, stand },
    serving: new Map(usedKinds(owner, target.effective).map(kind => [kind, serving])),
    ...(operation && { operation }),
  }
  return {
    ...seen,
    target: {
      ...target,
      ...wishesNow(
        seen,
        hearing(() => 0),
      ),
    },
    choice,
    revision: testRevision,
    ...(block && { block }),
    writerStops,
    ...(world.mirror && { mirror: world.mirror }),
    refusals: refusalsOf(ours, events),
    unmounted: unmountedOf(waitingToMount(target, pods), events),
    secrets: secretFacts,
    load,
    endToEnd,
    access,
    room,
    silentMs: 0,
    isContested: () => false,
  }
}

/** As they are stored once all was seen and done. */
const secretOf = (name: string, { owner, marks = {}, users = {} }: World): SecretFacts => ({
  uid: `uid-of-${name}`,
  annotations: { ...retainedAnnotations(owner), ...marks[name] },
  ...(users[name] !== undefined && { user: users[name] }),
})

/** The owner's children as they are stored when everything has come up, optionally changed one by one. */
export function upAndRunning(
  owner: DataService,
  change: (child: ObservedChild) => ObservedChild | undefined = child => child,
  choice: ClassChoice = { kind: 'builtIn' },
) {
  const heldBrokers = targetOf(owner, [], choice).effective.brokers
  const twice = {
    ...targetOf(
      owner,
      desiredChildren(targetOf(owner, [], choice)).map(({ object }) => object),
      choice,
    ),
    initialisation: {
      initialised: new Set(dataParts),
      reinitialised: new Set<DataPart>(),
      heldBrokers,
      beginnings: 0,
      primary: 0,
    },
  }
  const replicas: Record<string, number> = {
    'orders-gateway': owner.spec.replicas,
    'orders-writer': twice.effective.replicas.writer.number,
    'orders-reader': twice.effective.replicas.reader.number,
  }
  const children = desiredChildren(twice).flatMap(({ kind, object }) => {
    if (kind === 'Secret') return []
    const wish: ObservedChild = kind === 'Job' ? object : sealed(object)
    const number = replicas[object.metadata.name] ?? wantedPods(object)
    const pods = { replicas: number, readyReplicas: number, updatedReplicas: number, observedGeneration: 1 }
    const child = {
      ...wish,
      metadata: { ...wish.metadata, uid: `uid-of-${object.metadata.name}`, generation: 1 },
      spec: {
        ...wish.spec,
        ...(kind === 'Deployment' || kind === 'StatefulSet' ? { replicas: number } : {}),
      },
      status: kind === 'Job' ? { conditions: [{ type: 'Complete', status: 'True' }] } : pods,
    }
    return change(child) ?? []
  })
  return {
    owner,
    choice,
    children,
    secrets: ['orders-identity', 'orders-credentials'],
    marks: {
      'orders-identity': {
        [annotationKeys.initialised]: 'kafka,postgres',
        [annotationKeys.heldBrokers]: String(heldBrokers),
      },
    },
    topics: {
      kind: 'described' as const,
      topics: desiredTopics(owner, twice.effective).map(observedTopic),
    },
  }
}

/** A topic as the brokers describe it when all replicas are in sync. */
const observedTopic = ({ replicationFactor: inSync, ...topic }: Topic): ObservedTopic => ({
  ...topic,
  inSync,
})

/** Changes one child of a world and leaves the others. */
export const only =
  (kind: string, name: string, make: (child: ObservedChild) => ObservedChild | undefined) =>
  (child: ObservedChild) =>
    child.kind === kind && child.metadata.name === name ? make(child) : child

function wantedPods({ spec }: ObservedChild): number {
  const wanted = spec?.['replicas']
  return typeof wanted === 'number' ? wanted : 1
}

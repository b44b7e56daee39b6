/** Reads, and nothing else: gathers the facts of one run. */
import type { DataServiceClass } from '#crds/v1alpha1/class.ts'
import type { Operation } from '#crds/v1alpha1/operation.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ClusterPort, ObjectStore } from '#operator/cluster/port.ts'
import { autoscalerKind, foreignAutoscalers } from '#operator/desired/autoscalers.ts'
import { watchedKinds } from '#operator/desired/children.ts'
import { chooseClass, chosenName } from '#operator/desired/class-choice.ts'
import { effective, type Images } from '#operator/desired/effective.ts'
import { hopsInUse } from '#operator/desired/hops.ts'
import { ownScaledObject } from '#operator/desired/keda.ts'
import type { KindOfOthers } from '#operator/desired/kinds-of-others.ts'
import { isOurs, labelKeys } from '#operator/desired/labels.ts'
import { credentialsName, identityName, partName } from '#operator/desired/names.ts'
import { settingsOf } from '#operator/desired/settings-config-map.ts'
import type { ObservedChild, Target } from '#operator/desired/target.ts'
import type { BesideKind } from '#operator/desired/watched-beside.ts'
import { accessFacts, flushFacts, type LogPorts, logFacts, roomFacts, topicFacts } from './ask-log.ts'
import { blockOf } from './block.ts'
import { bindingNames } from './consumers/consumers.ts'
import { endToEndFacts } from './end-to-end.ts'
import { isClusterLost } from './engine-workload.ts'
import { type Facts, findChild } from './facts.ts'
import { freshSecrets } from './fresh-secrets.ts'
import { gatesOf } from './gates.ts'
import type { Hearing } from './hearing.ts'
import { initialisationOf } from './initialised.ts'
import { servingOf, usedKinds } from './kinds-in-use.ts'
import { asleepParts } from './lifecycle/asleep.ts'
import { mirrorReport } from './mirror-report.ts'
import { isGrown } from './more-brokers.ts'
import { inOrder, nextOperation, operationAtWork } from './operations/at-work.ts'
import { ownSecrets, type SecretPorts, withCertificates } from './own-secrets.ts'
import { decidedPasswords, passwordSecrets } from './passwords/turns.ts'
import { recordVerdict } from './record-verdict.ts'
import { lackingPods, type ObservedEvent, refusalReasons, refusalsOf } from './refusals.ts'
import type { Judge } from './remembered-verdict.ts'
import type { Restraint } from './restraint.ts'
import { renderedSettings } from './roll-order.ts'
import { unmountedOf, unmountedReasons, waitingToMount } from './unmounted.ts'
import { standOf } from './upgrade/stand.ts'
import { writerStops } from './writer-stops.ts'
import { writerLoad } from './writers/load.ts'

export interface ReadPorts extends SecretPorts, LogPorts {
  cluster: Pick<ClusterPort, 'get' | 'list'>
  /** The watched copy of each kind of the table of children and of what is watched beside them. */
  stores: (kind: (typeof watchedKinds)[number] | BesideKind) => ObjectStore<ObservedChild>
  /** The copy of a kind of others; whoever asks is woken when it changes whether the kind is served. */
  onDemand: (kind: KindOfOthers, asker: { namespace: string; name: string }) => ObjectStore<ObservedChild>
  /** All classes of the cluster; absent: the operator may not see them. */
  classes?: ObjectStore<DataServiceClass>
  operations: Pick<ObjectStore<Operation>, 'list'>
  judge: Judge
  images: Images
  /** The operator's own, see `revisionOf`. */
  revision: string
  /** Where this operator runs; absent: outside of the cluster. */
  operatorNamespace?: string
  restraint: Pick<Restraint, 'isHeld'>
  hearing: Hearing
}

export async function observe(owner: DataService, ports: ReadPorts): Promise<Facts> {
  const { namespace, name } = owner.metadata
  const chosen = chosenOf(owner, ports)
  const { choice, children, serving } = chosen
  const secrets = await ownSecrets(owner, ports, [identityName(name), credentialsName(name)])
  const pods = ports.stores('Pod').group(namespace, name)
  const operations = await operationsOf(owner, ports)
  const operation = nextOperation(operations)
  for (const [secret, facts] of await ownSecrets(owner, ports, passwordSecrets({ owner, secrets })))
    secrets.set(secret, facts)
  const stand = standOf(owner, ports.revision)
  const there = { ...chosen, owner, pods, secrets, stand, ...(operation && { operation }) }
  const { settings, ...found } = wanted(there, ports)
  const { target, certificates } = await withCertificates({ ...there, ...found }, secrets, ports)
  if (isClusterLost({ owner, target, children })) children.push(...(await unlabelledCluster(owner, ports)))
  const known = { owner, target, pods, children, serving, stand }
  for (const [secret, facts] of await ownSecrets(owner, ports, bindingNames({ owner, target })))
    secrets.set(secret, facts)
  const block = blockOf(choice, target)
  const [topics, log] = await Promise.all([topicFacts(known, ports), logFacts(known, ports)])
  const verdict = recordVerdict(target, settings.record, ports.judge)
  const flush = await flushFacts(known, ports)
  const seen = { ...known, topics, log, verdict, flush, operations, ...(operation && { operation }) }
  const decided = { ...seen, target: { ...target, ...wishesNow(seen, ports.hearing) } }
  const mirror = await mirrorReport(pods, ports.readiness)
  return {
    ...decided,
    load: await writerLoad(decided, ports),
    endToEnd: await endToEndFacts(pods, ports.readiness),
    choice,
    revision: ports.revision,
    ...(block && { block }),
    ...(certificates && { certificates }),
    writerStops: await writerStops(pods, ports.readiness),
    ...(mirror && { mirror }),
    ...(await troubles({ target, children, pods }, ports)),
    secrets,
    access: await accessFacts(known, topics, ports),
    room: await roomFacts(known, topics, ports),
    silentMs: ports.hearing.silentMs(`${namespace}/${name}`, seen),
    isContested: ports.restraint.isHeld,
  }
}

/** What of the target follows from how far everything is. */
export function wishesNow(
  seen: Parameters<typeof gatesOf>[0] & Pick<Facts, 'flush' | 'log' | 'operation'>,
  hearing: Pick<Hearing, 'isLogThin'>,
) {
  const gates = gatesOf(seen)
  const operation = operationAtWork(seen, gates)
  const { initialisation, effective } = seen.target
  const heldBrokers = isGrown(seen) ? effective.brokers : initialisation.heldBrokers
  return {
    asleep: asleepParts(seen, gates),
    isLogThin: hearing.isLogThin(seen),
    initialisation: { ...initialisation, heldBrokers },
    ...(operation && { operation }),
  }
}

/** The one that is next is read live: by a copy of the past it would be done again. */
async function operationsOf(
  { metadata: { namespace, name } }: DataService,
  { operations, cluster }: Pick<ReadPorts, 'operations' | 'cluster'>,
): Promise<Operation[]> {
  const seen = operations.list(namespace, ({ spec }) => spec.dataService === name)
  const next = nextOperation(seen)
  if (next === undefined) return inOrder(seen)
  const { kind, metadata } = next
  const live = await cluster.get<Operation>({ kind, namespace, name: metadata.name })
  const others = seen.filter(operation => operation !== next)
  return inOrder(live?.metadata.uid === metadata.uid ? [...others, live] : others)
}

/** What is in force, and all that is there of it. */
function chosenOf(owner: DataService, ports: ReadPorts) {
  const choice = chooseClass(owner, ports.classes?.list())
  const ofClass = choice.kind === 'class' ? choice.spec : {}
  const children = ownChildren(owner, watchedKinds.map(ports.stores))
  const observed: Target['observed'] = (kind, child) => findChild({ children }, kind, child)
  const inForce = effective(owner, ports.images, ofClass, hopsInUse({ owner, observed }))
  const demanded = usedKinds(owner, inForce).map(kind => ports.onDemand(kind, owner.metadata))
  children.push(...ownChildren(owner, demanded))
  return { choice, inForce, children, observed, serving: servingOf(demanded) }
}

/** What follows from the spec and its class. */
function wanted(
  seen: Pick<Facts, 'owner' | 'pods' | 'secrets' | 'operation' | 'stand'> & ReturnType<typeof chosenOf>,
  ports: ReadPorts,
) {
  const { owner, choice, inForce, observed } = seen
  const className = chosenName(choice)
  const autoscalers = ports.stores(autoscalerKind).group(owner.metadata.namespace, owner.metadata.name)
  const initialisation = initialisationOf(seen)
  const settings = settingsOf(owner, inForce, initialisation.beginnings)
  const passwords = decidedPasswords({ ...seen, effective: inForce })
  const target: Target = {
    owner,
    effective: inForce,
    className,
    settings: renderedSettings(settings, {
      owner,
      observed,
      effective: inForce,
      className,
      passwords,
      now: ports.now(),
    }),
    observed,
    foreignAutoscalers: foreignAutoscalers(
      owner,
      autoscalers,
      ownScaledObject({ owner, effective: inForce, observed }),
    ),
    certificates: { issue: 1, version: '' },
    passwords,
    initialisation,
    asleep: new Set(),
    isLogThin: false,
    ...(ports.operatorNamespace !== undefined && { operatorNamespace: ports.operatorNamespace }),
    fresh: freshSecrets(),
  }
  return { settings, target }
}

function ownChildren(owner: DataService, stores: readonly ObjectStore<ObservedChild>[]): ObservedChild[] {
  const { namespace, name } = owner.metadata
  const isChild = ({ metadata }: ObservedChild): boolean =>
    metadata.labels?.[labelKeys.instance] === name && isOurs(owner, metadata)
  return stores.flatMap(store => store.group(namespace, name).filter(isChild))
}

/** Somebody may have taken its labels, by which it is watched. */
async function unlabelledCluster(
  owner: DataService,
  { cluster }: Pick<ReadPorts, 'cluster'>,
): Promise<ObservedChild[]> {
  const { namespace, name } = owner.metadata
  const live = await cluster.get<ObservedChild>({
    kind: 'Cluster',
    namespace,
    name: partName(name, 'postgres'),
  })
  return live !== undefined && isOurs(owner, live.metadata) ? [live] : []
}

/** Events are read only while a workload lacks pods, or a pod its Secret: an idle resource costs no call. */
async function troubles(
  { target, children, pods }: Pick<Facts, 'target' | 'children' | 'pods'>,
  { cluster }: ReadPorts,
): Promise<Pick<Facts, 'refusals' | 'unmounted'>> {
  const { namespace } = target.owner.metadata
  const waiting = waitingToMount(target, pods)
  const reasons = [
    ...(lackingPods(children).length > 0 ? refusalReasons : []),
    ...(waiting.length > 0 ? unmountedReasons : []),
  ]
  const found = reasons.map(reason => cluster.list<ObservedEvent>('Event', { namespace, fields: { reason } }))
  const events = (await Promise.all(found)).flat()
  return { refusals: refusalsOf(children, events), unmounted: unmountedOf(waiting, events) }
}

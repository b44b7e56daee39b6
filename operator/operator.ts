/** The operator as a value: adapters in, a running controller out. Tests start it against a real API server. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { judgeRecord } from '#dataservice/contract/record-schema.ts'
import { certify } from '#operator/certificates/certify.ts'
import type { Log } from '#operator/cluster/log.ts'
import type { ClusterPort, ObjectStore, WatchPort } from '#operator/cluster/port.ts'
import { usersOf } from '#operator/controller/class-keys.ts'
import { systemClock } from '#operator/controller/clock.ts'
import { type Controller, startController } from '#operator/controller/controller.ts'
import { fencedCluster, fencedTopics } from '#operator/controller/fence.ts'
import { keyText, parseKey } from '#operator/controller/key.ts'
import { campaign, type Leadership, unrivalled } from '#operator/controller/leader.ts'
import type { OperatorMetrics } from '#operator/controller/metrics.ts'
import { createQueue } from '#operator/controller/queue.ts'
import { startWatches } from '#operator/controller/watches.ts'
import { demandedKinds, unfilteredKinds, watchedKinds } from '#operator/desired/children.ts'
import type { Images } from '#operator/desired/effective.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { besideKinds } from '#operator/desired/watched-beside.ts'
import type { ReadinessPort } from '#operator/pods/port.ts'
import { announcer } from '#operator/reconcile/announce.ts'
import type { CertificateLives } from '#operator/reconcile/certificates/renewal.ts'
import { hearing } from '#operator/reconcile/hearing.ts'
import { seenSecrets } from '#operator/reconcile/own-secrets.ts'
import { patience } from '#operator/reconcile/patience.ts'
import { type Deps, reconcile } from '#operator/reconcile/reconcile.ts'
import { remembered } from '#operator/reconcile/remembered-verdict.ts'
import { restraint } from '#operator/reconcile/restraint.ts'
import { rests } from '#operator/reconcile/rests.ts'
import { type Turnstile, type TurnstileOptions, turnstile } from '#operator/reconcile/upgrade/turnstile.ts'
import type { TopicsPort } from '#operator/topics/port.ts'

export interface OperatorOptions {
  cluster: ClusterPort & WatchPort
  topics: TopicsPort
  readiness: ReadinessPort
  images: Images
  /** The operator's own, see `revisionOf`. */
  revision: string
  /** How many DataServices at once may restart their pods for a newer revision. */
  maxRolling: number
  metrics: OperatorMetrics
  log: Log
  workers: number
  /** Every key is looked at again after about this time, and own Secrets are read once in it. */
  resyncMs: number
  /** How long certificates live; default: `lives`. */
  certificateLives?: CertificateLives
  /** Only this namespace; absent: all of them. */
  namespace?: string
  /** True with rights beyond any namespace. Without classes every DataService has the built-in one. */
  classes: boolean
  /** Where the Lease of several operators stands, and the name of this one. Absent: it has no rivals. */
  election?: { namespace: string; identity: string }
}

const random = Math.random
const now = (): Date => new Date()

export function startOperator(options: OperatorOptions): Controller {
  const { metrics, log, workers, namespace, resyncMs, election } = options
  const leadership = leadershipOf(options)
  const watches = startWatches<DataService, ObservedChild>({
    cluster: options.cluster,
    kinds: [...watchedKinds, ...besideKinds('ours')],
    unfiltered: [...unfilteredKinds, ...besideKinds('all')],
    onDemand: demandedKinds,
    ...(namespace === undefined ? {} : { namespace }),
    ...(options.classes && { usersOfClass: usersOf }),
  })
  const queue = createQueue({ workers, clock: systemClock, random, metrics: metrics.queue })
  const { owners, classes, operations, stores, onDemand } = watches
  const given = {
    ...{ certify, judge: remembered(judgeRecord) },
    ...asGiven(options),
    ...{ owners, operations, stores, onDemand, ...(classes && { classes }) },
    onCopy: metrics.onCopy,
    now,
    ...(election && { operatorNamespace: election.namespace }),
  }
  const places = {
    places: options.maxRolling,
    wake: (key: string) => queue.add(key),
    inside: rollingOnes(owners),
  }
  const ofThisTerm = (): Deps => ({
    ...given,
    turns: turnsOf(owners, places),
    ...ofTerm(leadership.term(), options),
  })
  let deps = ofThisTerm()
  leadership.onGain(() => {
    metrics.forgetCopies()
    deps = ofThisTerm()
  })
  return startController({
    queue,
    watches,
    leadership,
    reconcile: key => reconcile(key, deps),
    log,
    resyncMs,
    random,
    onOutcome: metrics.onOutcome,
  })
}

/** A run that began in one term writes nothing in the next one, and what was learnt in one is not believed there. */
function ofTerm(leads: () => boolean, options: OperatorOptions) {
  const cluster = fencedCluster(options.cluster, leads)
  return {
    cluster,
    topics: fencedTopics(options.topics, leads),
    announce: announcer({ cluster, log: options.log, monotonicMs: systemClock.now, now }),
    ...memories(options.resyncMs),
  }
}

/** What every run of the loop gets as it is. */
const asGiven = ({ readiness, images, revision, certificateLives }: OperatorOptions) => ({
  readiness,
  images,
  revision,
  ...(certificateLives && { certificateLives }),
})

/** What is remembered of the cluster between runs; a new process begins with none of it, and so does a new term. */
const memories = (resyncMs: number) => ({
  seenSecrets: seenSecrets(systemClock.now, resyncMs / 2),
  restraint: restraint(systemClock.now),
  patience: patience(systemClock.now),
  hearing: hearing(systemClock.now),
  rests: rests(systemClock.now, resyncMs),
})

function turnsOf(owners: ObjectStore<DataService>, options: Omit<TurnstileOptions, 'exists'>): Turnstile {
  const exists = (text: string): boolean => {
    const key = parseKey(text)
    return key !== undefined && owners.get(key.namespace, key.name) !== undefined
  }
  return turnstile({ ...options, exists })
}

/** Keys of those whose status says that their pods restart for a newer revision; read once, and then kept up. */
function rollingOnes(owners: ObjectStore<DataService>): () => Iterable<string> {
  const isRolling = ({ status }: DataService): boolean => status?.upgrade?.phase === 'Rolling'
  const textOf = ({ metadata: { namespace = '', name } }: DataService): string => keyText({ namespace, name })
  let known: Set<string> | undefined
  const read = (): Set<string> => {
    const keys = new Set(owners.list(undefined, isRolling).map(textOf))
    owners.onChange(({ kind, object }) => {
      if (kind !== 'deleted' && isRolling(object)) keys.add(textOf(object))
      else keys.delete(textOf(object))
    })
    return keys
  }
  return () => {
    known ??= read()
    return known
  }
}

function leadershipOf({ cluster, election, log, metrics }: OperatorOptions): Leadership {
  if (election === undefined) return unrivalled
  const leadership = campaign({ cluster, ...election, clock: systemClock, now, random, log })
  metrics.leading(leadership.leads)
  return leadership
}

/**
 * One leader at a time among several operators, by a Lease. The times are those of client-go: a lease is given up by
 * others after 15 s without a renewal, and the leader itself stops writing 10 s after its last one began. Time is
 * measured by each one's own monotonic clock, so that wrong wall clocks do no harm. Followers only watch the Lease, and
 * look at the clock every 2 to 2.4 s: a leader that froze is replaced 15 to 17.4 s after its last renewal.
 */
import { ClusterError, isClusterError } from '#operator/cluster/errors.ts'
import type { Log } from '#operator/cluster/log.ts'
import type { ClusterPort, KubernetesObject, WatchedStore, WatchPort } from '#operator/cluster/port.ts'
import { resources } from '#operator/cluster/resources.ts'
import type { Clock } from './clock.ts'

export interface LeaderTiming {
  /** Others take the lease when it was not renewed for so long. */
  leaseMs: number
  /** The leader writes nothing after so long without a renewal. Well below `leaseMs`: what is in flight has to land. */
  renewDeadlineMs: number
  retryMs: number
}

export const leaderTiming: LeaderTiming = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 }

export interface CampaignOptions {
  cluster: Pick<ClusterPort, 'create' | 'apply' | 'list'> & WatchPort
  namespace: string
  /** Of this process alone: a restarted container is another one. */
  identity: string
  clock: Clock
  now: () => Date
  /** A number in [0, 1). */
  random: () => number
  log: Log
  timing?: LeaderTiming
}

export interface Leadership {
  /** True while this process may write. Ask before each write: after a pause of the process it is false at once. */
  leads(): boolean
  /** Answers what tells whether this process has led ever since: false for good once another one may have. */
  term(): () => boolean
  /** Calls back each time this process may write again after it could not. Another one may have led meanwhile. */
  onGain(listener: () => void): () => void
  /** Gives the lease back, so that another one takes it at once. */
  stop(): Promise<void>
}

/** Of a process that has no rivals. */
export const unrivalled: Leadership = {
  leads: () => true,
  term: () => () => true,
  onGain: () => () => {},
  stop: async () => {},
}

const leaseName = 'dataservice-operator'
const leaseLabels = { 'app.kubernetes.io/name': leaseName }

export type Lease = KubernetesObject & {
  spec?: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

export function campaign(options: CampaignOptions): Leadership {
  return new Campaign(options)
}

class Campaign implements Leadership {
  readonly #options: CampaignOptions
  readonly #timing: LeaderTiming
  readonly #store: WatchedStore<Lease>
  readonly #listeners = new Set<() => void>()
  /** The newest state of the Lease that is known, and when it was seen to change. */
  #known: Lease | undefined
  #changedAt: number
  /** Until then this process may write. */
  #deadline = Number.NEGATIVE_INFINITY
  #leading = false
  /** Counts how often this process became the leader. */
  #terms = 0
  #stopped = false
  #cancelTimer: () => void = () => {}
  #attempt: Promise<void> | undefined

  constructor(options: CampaignOptions) {
    const { cluster, namespace, clock, timing = leaderTiming } = options
    this.#options = options
    this.#timing = timing
    this.#changedAt = clock.now()
    this.#store = cluster.watch<Lease>('Lease', { namespace, labels: leaseLabels })
    this.#store.onChange(change => {
      if (change.object.metadata.name === leaseName)
        this.#see(change.kind === 'deleted' ? undefined : change.object)
    })
    this.#store.synced.then(
      () => {
        this.#see(this.#store.get(namespace, leaseName))
        this.#tick()
      },
      () => {}, // stopped before
    )
  }

  /** Bound, because it is handed around alone. */
  readonly leads = (): boolean =>
    !this.#stopped && this.#leading && this.#options.clock.now() < this.#deadline

  term(): () => boolean {
    const began = this.#terms
    return () => this.#terms === began && this.leads()
  }

  onGain(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer()
    await this.#attempt
    if (this.#leading) await this.#release()
    await this.#store.stop()
  }

  /** A late echo of our own renewals tells nothing new. */
  #see(lease: Lease | undefined): void {
    const late = this.#isMine(lease) && this.#isMine(this.#known) && renewed(lease) < renewed(this.#known)
    if (
      late ||
      (lease !== undefined && lease.metadata.resourceVersion === this.#known?.metadata.resourceVersion)
    )
      return
    this.#know(lease)
    if (this.#leading && !this.#isMine(lease)) this.#lose('another one holds the lease')
    if (!this.#leading && holder(lease) === '') this.#tick()
  }

  #know(lease: Lease | undefined): void {
    this.#known = lease
    this.#changedAt = this.#options.clock.now()
  }

  #isMine = (lease: Lease | undefined): boolean => holder(lease) === this.#options.identity

  /** Attempts follow each other, never two at once. */
  #tick(): void {
    if (this.#stopped || this.#attempt !== undefined) return
    this.#cancelTimer()
    this.#attempt = this.#try().finally(() => {
      this.#attempt = undefined
      if (this.#stopped) return
      const { clock, random } = this.#options
      const waitMs = this.#timing.retryMs * (this.#leading ? 1 : 1 + random() * 0.2)
      this.#cancelTimer = clock.after(waitMs, () => this.#tick())
    })
  }

  async #try(): Promise<void> {
    const { clock } = this.#options
    if (this.#leading && clock.now() >= this.#deadline) this.#lose('it could not be renewed in time')
    const startedAt = clock.now()
    try {
      if (this.#known === undefined) await this.#make()
      else if (this.#isMine(this.#known) || this.#isFree(this.#known))
        await this.#claim(this.#known, startedAt)
    } catch (error) {
      this.#bear(error)
      if (isClusterError(error, 'Conflict')) await this.#lookAgain().catch(again => this.#bear(again))
    }
  }

  #bear(error: unknown): void {
    if (!isClusterError(error)) throw error
    this.#options.log.warn(
      { err: error, leading: this.#leading },
      'the lease could not be written; trying again',
    )
  }

  /**
   * Somebody wrote since the Lease was seen, if only ourselves and the answer was lost. The watch may be as broken as that
   * answer was, so who holds it is read.
   */
  async #lookAgain(): Promise<void> {
    const { cluster, namespace, clock } = this.#options
    const leases = await this.#inTime(cluster.list<Lease>('Lease', { namespace, labels: leaseLabels }))
    const lease = leases.find(({ metadata }) => metadata.name === leaseName)
    this.#know(lease)
    if (!this.#leading) return
    if (lease !== undefined && this.#isMine(lease)) await this.#claim(lease, clock.now())
    else this.#lose('another one holds the lease')
  }

  #isFree(lease: Lease): boolean {
    const { leaseDurationSeconds = this.#timing.leaseMs / 1000 } = lease.spec ?? {}
    return holder(lease) === '' || this.#options.clock.now() - this.#changedAt >= leaseDurationSeconds * 1000
  }

  /** Only makes the object, held by nobody; the watch brings it, and the next attempt claims it. */
  async #make(): Promise<void> {
    const { cluster, namespace } = this.#options
    await this.#inTime(cluster.create(leaseOf(namespace, {})))
  }

  /** Nobody changed it since it was seen, or the API server refuses. */
  async #claim(seen: Lease, startedAt: number): Promise<void> {
    const { cluster, namespace, identity, now } = this.#options
    const { acquireTime, leaseTransitions = 0 } = seen.spec ?? {}
    const mine = this.#isMine(seen)
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: this.#timing.leaseMs / 1000,
      acquireTime: mine && acquireTime !== undefined ? acquireTime : microTime(now()),
      renewTime: microTime(now()),
      leaseTransitions: mine ? leaseTransitions : leaseTransitions + 1,
    }
    const stored = await this.#inTime(cluster.apply<Lease>(leaseOf(namespace, spec, seen)))
    this.#know(stored)
    const isGapless = this.leads() // an answer may come after the deadline that it moves
    this.#deadline = startedAt + this.#timing.renewDeadlineMs
    if (!isGapless) this.#gain()
  }

  #gain(): void {
    this.#leading = true
    this.#terms += 1
    this.#options.log.info({ identity: this.#options.identity }, 'leading')
    for (const listener of this.#listeners) listener()
  }

  #lose(why: string): void {
    this.#leading = false
    this.#deadline = Number.NEGATIVE_INFINITY
    this.#options.log.warn({ why }, 'not leading any more')
  }

  async #release(): Promise<void> {
    const { cluster, namespace, log } = this.#options
    this.#leading = false
    const seen = this.#known
    if (seen === undefined) return
    const { leaseTransitions = 0 } = seen.spec ?? {}
    try {
      await this.#inTime(cluster.apply(leaseOf(namespace, { leaseTransitions }, seen)))
    } catch (error) {
      if (!isClusterError(error)) throw error
      log.warn({ err: error }, 'the lease could not be given back; it runs out by itself')
    }
  }

  /** An answer that comes later than half the deadline counts as none; the watch tells what became of it. */
  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>()
    const cancel = this.#options.clock.after(this.#timing.renewDeadlineMs / 2, () =>
      late.reject(new ClusterError('Unavailable', 'the lease: no answer in time')),
    )
    try {
      return await Promise.race([answer, late.promise])
    } finally {
      cancel()
    }
  }
}

function leaseOf(namespace: string, spec: NonNullable<Lease['spec']>, seen?: Lease): Lease {
  const { uid, resourceVersion } = seen?.metadata ?? {}
  return {
    apiVersion: resources.Lease.apiVersion,
    kind: 'Lease',
    metadata: {
      name: leaseName,
      namespace,
      labels: leaseLabels,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    spec,
  }
}

const holder = (lease: Lease | undefined): string => lease?.spec?.holderIdentity ?? ''
const renewed = (lease: Lease | undefined): number => Date.parse(lease?.spec?.renewTime ?? '') || 0
/** MicroTime wants six digits. */
const microTime = (time: Date): string => time.toISOString().replace('Z', '000Z')

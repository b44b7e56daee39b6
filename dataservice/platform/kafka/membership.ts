/** Membership in a consumer group by Kafka's classic protocol: join, be assigned, keep saying that we live. */
import {
  findCoordinatorV4,
  heartbeatV4,
  joinGroupV9,
  leaveGroupV5,
  offsetCommitV8,
  ResponseError,
  syncGroupV5,
} from '@platformatic/kafka'
import { assign, decodeAssignment, encodeAssignment, encodeSubscription } from './assignment.ts'
import type { Cluster } from './cluster.ts'
import { type Call, kafkaError, type Link } from './link.ts'
import type { Offset } from './port.ts'
import { backOffMs, pause } from './retry.ts'

export interface MembershipEvents {
  /** A new generation began. */
  assigned(partitions: readonly number[]): void
  /** The generation is over. Called in the same turn in which that becomes known. */
  revoked(): void
}

export interface MembershipOptions {
  cluster: Cluster
  group: string
  signal: AbortSignal
  warn: (message: string) => void
  /** After so long without a heartbeat the group gives a member up. */
  sessionTimeoutMs: number
}

interface Generation {
  id: number
  memberId: string
  partitions: readonly number[]
  /** For the leader: how many partitions it dealt out. */
  dealt: number | undefined
}

const rebalanceTimeoutMs = 10_000
/** Short, because a heartbeat's answer is how a member hears of a rebalance. */
const heartbeatEveryMs = 1000
const answerTimeoutMs = 3000
/** A join is answered when all members have joined or were given up. */
const joinTimeoutMs = rebalanceTimeoutMs + 5000
const maxBackOffMs = 2000
const lookEveryMs = 15_000
const coordinatorOfGroups = 0
const protocolType = 'consumer'
const protocolName = 'dataservice'

/** Waiting does not help against these. */
const fatal: ReadonlySet<string> = new Set([
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_GROUP_ID',
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_SESSION_TIMEOUT',
  'GROUP_MAX_SIZE_REACHED',
  'UNSUPPORTED_VERSION',
])
/** The coordinator has another view of the group than we: join again. */
const outdated: ReadonlySet<string> = new Set([
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
])

export class Membership {
  readonly #cluster: Cluster
  readonly #group: string
  readonly #signal: AbortSignal
  readonly #warn: (message: string) => void
  readonly #sessionTimeoutMs: number
  #coordinator: Link | undefined
  #memberId = ''
  #generation: Generation | undefined
  #lastBeatAt = 0

  constructor({ cluster, group, signal, warn, sessionTimeoutMs }: MembershipOptions) {
    this.#cluster = cluster
    this.#group = group
    this.#signal = signal
    this.#warn = warn
    this.#sessionTimeoutMs = sessionTimeoutMs
    // A join under way would be answered only when all others have joined; a heartbeat's loop ends by itself.
    signal.addEventListener('abort', () => this.#generation ?? this.#coordinator?.close(), { once: true })
  }

  /** False when the coordinator may have given us up: for so long it has not heard of us. */
  get isCurrent(): boolean {
    return this.#generation !== undefined && performance.now() - this.#lastBeatAt < this.#sessionTimeoutMs
  }

  /** Stays a member until the signal; rejects on errors that waiting does not mend. */
  async run(events: MembershipEvents): Promise<void> {
    for (let failures = 0; !this.#signal.aborted; ) {
      try {
        const generation = await this.#join()
        failures = 0
        await this.#stay(generation, events)
      } catch (cause) {
        if (fatal.has(kafkaError(cause) ?? '')) throw cause
        if (this.#signal.aborted) return
        this.#warn(`group ${this.#group}: ${String(cause)}`)
        this.#coordinator?.close()
        if (kafkaError(cause) === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
        await pause(backOffMs(++failures, maxBackOffMs), this.#signal)
      }
    }
  }

  /** Commits positions in the name of the current generation. Rejects when there is none or Kafka refuses. */
  async commit(positions: ReadonlyMap<number, Offset>): Promise<void> {
    const generation = this.#generation
    if (!generation) throw new Error('not a member now')
    const partitions = [...positions].map(([partitionIndex, committedOffset]) => ({
      partitionIndex,
      committedOffset,
      committedLeaderEpoch: -1,
      committedMetadata: null,
    }))
    const topics = [{ name: this.#cluster.topic, partitions }]
    const { id, memberId } = generation
    await this.#ask<offsetCommitV8.OffsetCommitResponse>(
      (link, done) => offsetCommitV8.api(link, this.#group, id, memberId, null, topics, done),
      answerTimeoutMs,
    )
  }

  /** Tells the group that we go, so that it need not wait for the session to end. */
  async leave(): Promise<void> {
    if (this.#memberId === '') return
    const members = [{ memberId: this.#memberId, groupInstanceId: null, reason: null }]
    await this.#ask<leaveGroupV5.LeaveGroupResponse>(
      (link, done) => leaveGroupV5.api(link, this.#group, members, done),
      answerTimeoutMs,
    )
  }

  close(): void {
    this.#coordinator?.close()
  }

  async #stay(generation: Generation, events: MembershipEvents): Promise<void> {
    this.#generation = generation
    events.assigned(generation.partitions)
    try {
      await this.#beat(generation)
    } finally {
      this.#generation = undefined
      events.revoked()
    }
  }

  /** Resolves when a rebalance begins, more partitions are to be dealt, or the signal fires. */
  async #beat(generation: Generation): Promise<void> {
    let lookedAt = performance.now()
    for (;;) {
      await pause(heartbeatEveryMs, this.#signal)
      if (this.#signal.aborted || !(await this.#isCountedIn(generation))) return
      if (generation.dealt === undefined) continue
      if (performance.now() - lookedAt < lookEveryMs) continue
      lookedAt = performance.now()
      const view = await this.#cluster.refresh().catch(() => undefined)
      if (view && view.partitions !== generation.dealt) return
    }
  }

  /** One heartbeat. False on a rebalance; an unreachable coordinator is forgiven while the session lasts. */
  async #isCountedIn({ id, memberId }: Generation): Promise<boolean> {
    const askedAt = performance.now()
    try {
      await this.#ask<heartbeatV4.HeartbeatResponse>(
        (link, done) => heartbeatV4.api(link, this.#group, id, memberId, null, done),
        answerTimeoutMs,
      )
      this.#lastBeatAt = askedAt
      return true
    } catch (cause) {
      const error = kafkaError(cause) ?? ''
      if (error === 'REBALANCE_IN_PROGRESS') return false
      if (outdated.has(error) || fatal.has(error) || !this.isCurrent) throw cause
      this.#warn(`group ${this.#group}: heartbeat: ${String(cause)}`)
      this.#coordinator?.close()
      return true
    }
  }

  async #join(): Promise<Generation> {
    const askedAt = performance.now()
    const joined = await this.#askToJoin()
    this.#memberId = joined.memberId
    const isLeader = joined.leader === joined.memberId
    const dealt = isLeader ? (await this.#cluster.refresh()).partitions : undefined
    const assignments = dealt === undefined ? [] : this.#deal(joined.members, dealt)
    const { generationId: id, memberId } = joined
    const { assignment } = await this.#ask<syncGroupV5.SyncGroupResponse>(
      (link, done) =>
        syncGroupV5.api(link, this.#group, id, memberId, null, protocolType, protocolName, assignments, done),
      joinTimeoutMs,
    )
    this.#lastBeatAt = Math.max(askedAt, performance.now() - answerTimeoutMs)
    return { id, memberId, dealt, partitions: decodeAssignment(this.#cluster.topic, assignment) }
  }

  #deal(members: readonly joinGroupV9.JoinGroupResponseMember[], partitions: number) {
    const shares = assign(
      members.map(({ memberId }) => memberId),
      partitions,
    )
    return [...shares].map(([memberId, share]) => ({
      memberId,
      assignment: encodeAssignment(this.#cluster.topic, share),
    }))
  }

  /** A first join is answered with an id to join under. */
  async #askToJoin(): Promise<joinGroupV9.JoinGroupResponse> {
    const protocols = [{ name: protocolName, metadata: encodeSubscription(this.#cluster.topic) }]
    const call: Call<joinGroupV9.JoinGroupResponse> = (link, done) =>
      joinGroupV9.api(
        link,
        this.#group,
        this.#sessionTimeoutMs,
        rebalanceTimeoutMs,
        this.#memberId,
        null,
        protocolType,
        protocols,
        null,
        done,
      )
    const ask = async () => {
      const link = await this.#coordinatorLink()
      // Nobody would cut a join that begins after the signal, nor leave the group for it.
      this.#signal.throwIfAborted()
      return link.request(call, joinTimeoutMs)
    }
    try {
      return await ask()
    } catch (cause) {
      if (kafkaError(cause) !== 'MEMBER_ID_REQUIRED' || !(cause instanceof ResponseError)) throw cause
      const memberId: unknown = cause.response.memberId
      if (typeof memberId !== 'string') throw cause
      this.#memberId = memberId
      return ask()
    }
  }

  async #ask<Answer>(call: Call<Answer>, timeoutMs: number): Promise<Answer> {
    const link = await this.#coordinatorLink()
    return link.request(call, timeoutMs)
  }

  async #coordinatorLink(): Promise<Link> {
    if (this.#coordinator?.isUsable) return this.#coordinator
    const { coordinators } = await this.#cluster.askAny<findCoordinatorV4.FindCoordinatorResponse>(
      (link, done) => findCoordinatorV4.api(link, coordinatorOfGroups, [this.#group], done),
      answerTimeoutMs,
    )
    const [coordinator] = coordinators
    if (!coordinator || coordinator.port <= 0) throw new Error('the group has no coordinator yet')
    this.#coordinator = this.#cluster.open({ host: coordinator.host, port: coordinator.port })
    return this.#coordinator
  }
}

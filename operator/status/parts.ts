/** What is said of each part: one rule for each condition. Pure. */
import type { ConditionType, Reason } from '#crds/v1alpha1/conditions.ts'
import { desiredTopics } from '#operator/desired/kafka-topics.ts'
import { type DeployedPart, type EnginePart, partName } from '#operator/desired/names.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Facts, findChild } from '#operator/reconcile/facts.ts'
import { hibernates } from '#operator/reconcile/lifecycle/hibernates.ts'
import { migrationOf } from '#operator/reconcile/migration.ts'
import { growing } from '#operator/reconcile/more-brokers.ts'
import type { Plan } from '#operator/reconcile/plan.ts'
import {
  isPodReady,
  isRolledOut,
  jobEnd,
  type PodProgress,
  podProgress,
} from '#operator/reconcile/progress.ts'
import { dueNumber } from '#operator/reconcile/scaling.ts'
import { writersByLag } from '#operator/reconcile/writers/scaling.ts'
import { type Finding, fails, holds, isUnknown } from './conditions.ts'
import { refusedMigration, refusedVolume } from './data-refused.ts'
import { delegatedLog, delegatedPostgres, delegatedTopics } from './delegated.ts'
import { resting } from './hibernation.ts'
import { kubectl } from './kubectl.ts'
import { logUnreachable } from './log-unreachable.ts'
import { missingSecret } from './missing-secret.ts'
import type { PodOwner } from './pod-fields.ts'
import { type Problem, podProblem } from './pods.ts'
import { refusedPods } from './refused-pods.ts'
import { isFloorReady } from './scaling.ts'
import { stoppedPartitions } from './stopped-partitions.ts'

type Rule = (facts: Facts, plan: Plan) => Finding

/** Order is the order in which a stack comes up; the first that fails is the root cause. */
export const partRules: readonly Rule[] = [
  log,
  topics,
  database,
  cache,
  (facts, plan) => deployed(facts, plan, 'writer', 'WriterReady'),
  (facts, plan) => deployed(facts, plan, 'reader', 'ReaderReady'),
  (facts, plan) => deployed(facts, plan, 'gateway', 'GatewayReady'),
]

/** What keeps a broker from its work comes first: it holds up a growth, too. */
function log(facts: Facts): Finding {
  const { kafka: others, strimzi } = facts.target.effective
  if (strimzi !== undefined) return delegatedLog(facts)
  if (others !== undefined)
    return holds('LogReady', 'External', `others run Kafka ${others.bootstrapServers.join(', ')}`)
  const kafka = engine(facts, 'kafka', 'LogReady')
  const growth = growing(facts)
  const isMoving = kafka.status === 'True' || ['PodsNotReady', 'RollingOut'].includes(kafka.reason)
  if (growth === undefined || !isMoving) return kafka
  return fails('LogReady', 'Growing', `the log grows ${growth}; it takes and gives records meanwhile`)
}

function engine(facts: Facts, part: EnginePart, type: ConditionType): Finding {
  const rest = resting(facts, part, type)
  if (rest !== undefined) return rest
  const name = partName(facts.owner.metadata.name, part)
  const set = findChild(facts, 'StatefulSet', name)
  if (set === undefined) return awaited(facts, type, ['Creating', `StatefulSet ${name} is being created`])
  const progress = podProgress(set)
  if (isRolledOut(progress)) return holds(type, 'Ready', `StatefulSet ${name}: ${counts(progress)}`)
  if (isOneByOne(progress)) return fails(type, 'RollingOut', `StatefulSet ${name}: ${counts(progress)}`)
  const refusal = refusedVolume(facts, part)
  if (refusal !== undefined) return fails(type, refusal.reason, refusal.text)
  const problem = problemOf(facts, set, part)
  if (problem !== undefined) return failing(type, problem)
  return fails(
    type,
    'PodsNotReady',
    `StatefulSet ${name}: ${counts(progress)}; ${kubectl(facts.owner.metadata, `describe pod ${notReady(facts, name, progress)}`)} tells why`,
  )
}

/** All are well, and those of an older version wait for their turn. */
const isOneByOne = ({ current, existing, ready, updated, wanted }: PodProgress): boolean =>
  current && existing === wanted && ready === wanted && updated < wanted

/** The first pod of a StatefulSet that is not ready. */
function notReady({ pods }: Facts, set: string, { wanted }: PodProgress): string {
  const names = Array.from({ length: wanted }, (_, ordinal) => `${set}-${ordinal}`)
  const ready = new Set(pods.filter(isPodReady).map(({ metadata }) => metadata.name))
  return names.find(name => !ready.has(name)) ?? `${set}-0`
}

function cache(facts: Facts): Finding {
  const { redis } = facts.target.effective
  if (redis === undefined) return engine(facts, 'redis', 'CacheReady')
  const circuit = 'dataservice_circuit_state of the reader'
  return holds(
    'CacheReady',
    'External',
    `others run Redis ${redis.host}:${redis.port}; ${circuit} tells whether it answers`,
  )
}

/** Those on a Kafka of others are looked after by the migration, so that the operator asks nobody whom a user named. */
function othersTopics(facts: Facts, { gates }: Plan): Finding {
  const type = 'TopicsReady'
  const refusal = refusedMigration(facts, migrationOf(facts), 'kafka')
  if (refusal !== undefined) return fails(type, refusal.reason, refusal.text)
  const names = desiredTopics(facts.owner, facts.target.effective).map(({ name }) => name)
  const delegated = delegatedTopics(facts)
  if (delegated !== undefined && delegated.status !== 'True') return delegated
  if (!gates.topicsExist) return fails(type, 'WaitingForDatabase', 'the topics follow the tables')
  if (delegated !== undefined) return delegated
  return holds(type, 'External', `topics ${names.join(', ')} were as the spec says at the last migration`)
}

function topics(facts: Facts, plan: Plan): Finding {
  const { owner, target, topics: found } = facts
  const { gates, steps } = plan
  const type = 'TopicsReady'
  if (target.effective.kafka !== undefined) return othersTopics(facts, plan)
  if (hibernates(owner) && target.asleep.has('kafka'))
    return isUnknown(type, 'Hibernated', 'Kafka sleeps; its topics stay in its volumes')
  if (found.kind === 'notAsked')
    return fails(type, 'WaitingForLog', 'waiting for a Kafka broker to become ready')
  if (found.kind === 'unreachable')
    return fails(type, 'EngineUnreachable', logUnreachable(owner, found.message))
  const changing = steps.some(step => step.do === 'topics')
  if (!gates.topicsExist || changing)
    return fails(type, 'TopicsPending', 'topics are being created or changed')
  return holds(
    type,
    'Ready',
    `topics ${found.topics.map(({ name }) => name).join(', ')} are as the spec says`,
  )
}

function database(facts: Facts, { gates }: Plan): Finding {
  const type = 'DatabaseReady'
  const postgres = postgresItself(facts)
  if (postgres.status !== 'True' || facts.target.asleep.has('postgres')) return postgres
  // What the tables wait for, Stalled says; which form they should have is not known before.
  if (facts.block !== undefined) return postgres
  if (!gates.recordAccepted)
    return fails(type, 'RecordRefused', 'the tables wait for a record schema that can be used')
  const name = migrationOf(facts)
  const job = findChild(facts, 'Job', name)
  if (job === undefined && !gates.logPrepared)
    return fails(type, 'WaitingForTopics', 'the tables wait until Strimzi has made the topics')
  if (job === undefined) return fails(type, 'Migrating', `Job ${name} is being created`)
  const refusal = refusedMigration(facts, name, 'postgres')
  if (refusal !== undefined) return fails(type, refusal.reason, refusal.text)
  if (refusedMigration(facts, name, 'kafka') !== undefined)
    return fails(type, 'Migrating', `Job ${name} has made the tables; TopicsReady tells what it waits for`)
  const end = jobEnd(job)
  const problem = problemOf(facts, job, 'migrate')
  if (end === undefined && problem !== undefined) return failing(type, problem)
  if (end === undefined)
    return fails(
      type,
      'Migrating',
      `Job ${name} is working; ${kubectl(facts.owner.metadata, `logs job/${name}`)} shows it`,
    )
  if (!end.succeeded)
    return fails(type, 'MigrationFailed', `Job ${name} failed and is made again: ${end.message}`)
  return holds(type, postgres.reason, `${postgres.message}; Job ${name} brought the tables up to date`)
}

function deployed(facts: Facts, { gates }: Plan, part: DeployedPart, type: ConditionType): Finding {
  const rest = resting(facts, part, type)
  if (rest !== undefined) return rest
  const name = partName(facts.owner.metadata.name, part)
  const deployment = findChild(facts, 'Deployment', name)
  if (deployment === undefined) return awaited(facts, type, waitingFor(gates))
  const progress = podProgress(deployment)
  const due = facts.block === undefined && !isByLag(facts, part) ? dueNumber(facts, part) : undefined
  if (due !== undefined)
    return fails(type, 'Scaling', `Deployment ${name}: from ${progress.wanted} to ${due} pods`)
  const crowd = tooManyPods(facts, part, progress.wanted)
  if (crowd !== undefined) return fails(type, 'Connections', `Deployment ${name}: ${crowd}`)
  if (!isRolledOut(progress) && !isFloorReady(progress, facts, part)) {
    const problem = problemOf(facts, deployment, part)
    if (problem !== undefined) return failing(type, problem)
    return fails(type, whatMoves(progress), `Deployment ${name}: ${counts(progress)}`)
  }
  if (progress.wanted === 0) return holds(type, 'ScaledToZero', `Deployment ${name} is scaled to zero`)
  return holds(type, 'Ready', `Deployment ${name}: ${counts(progress)}${openness(facts, part)}`)
}

/** Writers that the operator adds for the lag, or takes away, make nothing unready. */
const isByLag = (facts: Facts, part: DeployedPart): boolean =>
  part === 'writer' && writersByLag(facts) !== undefined

/** Whoever reads the status should not have to look whether a gateway is closed. */
function openness({ owner }: Facts, part: DeployedPart): string {
  if (part !== 'gateway' || owner.spec.gateway.authentication !== undefined) return ''
  return '; it serves everybody who reaches it (spec.gateway.authentication is not set)'
}

/** More pods than Postgres has connections for, which only `kubectl scale deployment` can ask for. */
function tooManyPods({ target }: Facts, part: DeployedPart, wanted: number): string | undefined {
  const most = part === 'gateway' ? undefined : target.effective.connections.maxPods[part]
  if (most === undefined || wanted <= most) return undefined
  return `scaled to ${wanted} pods, and Postgres has connections for ${most}: scale it down to at most ${most}`
}

/** Why a workload's pods are missing or not ready, as far as it can be seen. */
function problemOf(facts: Facts, workload: ObservedChild, owner: PartOwner): OwnedProblem | undefined {
  const problem =
    (owner === 'writer' ? stoppedPartitions(facts.writerStops) : undefined) ??
    missingSecret(facts, owner) ??
    refusedPods(facts.refusals, workload, owner) ??
    podProblem(facts, owner)
  return problem && { ...problem, owner }
}

/** Backups have a condition of their own. */
type PartOwner = Exclude<PodOwner, 'backup' | 'backup-s3'>

/** A problem of somebody's pods. */
interface OwnedProblem extends Problem {
  owner: PartOwner
}

const failing = (type: ConditionType, { reason, message, owner }: OwnedProblem): Finding => ({
  ...fails(type, reason, message),
  about: owner,
})

/** What is not there yet, and why. */
const awaited = ({ block }: Facts, type: ConditionType, [reason, message]: [Reason, string]): Finding =>
  block === undefined
    ? fails(type, reason, message)
    : fails(type, block.reason, 'is not made before what Stalled tells is mended')

/** One of others is taken to answer until the migration has found that it does not. */
function postgresItself(facts: Facts): Finding {
  const { postgres, cloudNativePG } = facts.target.effective
  if (cloudNativePG !== undefined) return delegatedPostgres(facts)
  if (postgres === undefined) return engine(facts, 'postgres', 'DatabaseReady')
  return holds('DatabaseReady', 'External', `others run Postgres ${postgres.host}:${postgres.port}`)
}

/** Why the pods of ours are not there yet. */
function waitingFor({ migrated, topicsExist }: Plan['gates']): [Reason, string] {
  if (!migrated) return ['WaitingForDatabase', 'waits until the tables are made']
  if (!topicsExist) return ['WaitingForTopics', 'waits until the topics exist']
  return ['Creating', 'is being created']
}

function whatMoves({ current, updated, wanted, existing }: PodProgress): Reason {
  if (!current || updated < wanted) return 'RollingOut'
  return existing === wanted ? 'PodsNotReady' : 'Scaling'
}

const counts = ({ ready, wanted, updated }: PodProgress): string =>
  updated === wanted
    ? `${ready} of ${wanted} pods ready`
    : `${ready} of ${wanted} pods ready, ${updated} of the newest version`

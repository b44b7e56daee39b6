/**
 * The table of all children. Read this first: watches, permissions, applying, pruning and the documentation
 * follow from it. A new kind is one builder file, one row here, and one golden file.
 */
import { autoscalerKind } from './autoscalers.ts'
import { backupConfigMap } from './backup/config-map.ts'
import { backupCronJob } from './backup/cron-job.ts'
import { mirrorStatefulSet } from './backup/mirror.ts'
import { operationJob } from './backup/operation-job.ts'
import { backupStatefulSet } from './backup/stateful-set.ts'
import { certificates, issuers } from './cert-manager.ts'
import { bindingSecrets } from './consumers.ts'
import { deployment } from './deployment.ts'
import { isManaged } from './engine-choice.ts'
import { engineConfigMap } from './engine-config-map.ts'
import { isMeshed, signerOf } from './hop-modes.ts'
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts'
import { logUserConfigMap, scaledObject, triggerAuthentication } from './keda.ts'
import { isKindOfOthers, type KindOfOthers } from './kinds-of-others.ts'
import type { Child } from './labels.ts'
import { maintainCronJob } from './maintain-cron-job.ts'
import { destinationRules, peerAuthentication } from './mesh.ts'
import { migrateJob } from './migrate-job.ts'
import { deployedParts, engineParts, parts } from './names.ts'
import { networkPolicy } from './network-policy.ts'
import { podDisruptionBudget } from './pod-disruption-budget.ts'
import { isScaledByKeda } from './pod-numbers.ts'
import { postgresCluster } from './postgres-cluster.ts'
import { retireJob } from './retire-job.ts'
import { credentialsSecret, identitySecret, passwordsSecrets } from './secrets.ts'
import { postgresPrimaryService, postgresReplicaService, service } from './service.ts'
import { serviceAccount } from './service-account.ts'
import { settingsConfigMap } from './settings-config-map.ts'
import { statefulSet } from './stateful-set.ts'
import { consumerUsers, kafkaTopics, kafkaUser } from './strimzi.ts'
import type { ObservedChild, Target } from './target.ts'

export type ChildKind =
  | 'Secret'
  | 'ServiceAccount'
  | 'ConfigMap'
  | 'Service'
  | 'PodDisruptionBudget'
  | 'NetworkPolicy'
  | 'StatefulSet'
  | 'Job'
  | 'CronJob'
  | 'Deployment'
  | 'HorizontalPodAutoscaler'
  | KindOfOthers

/**
 * When a child is due. `engines`: at once. `migration`: as soon as Postgres answers.
 * `service`: after the migration, and when the topics exist. `scaling`: when the Deployments are there.
 */
const stages = ['engines', 'migration', 'service', 'scaling'] as const
export type Stage = (typeof stages)[number]

interface Row<Kind extends ChildKind> {
  kind: Kind
  stage: Stage
  /** `apply`: kept as built. `create`: made once by POST and never changed. */
  write: 'apply' | 'create'
  build: (target: Target) => (Child | undefined)[]
}

/** What decides whether a kind of others is asked for; nothing observed does. */
export type Wish = Pick<Target, 'owner' | 'effective'>

/** `asked`: whether the DataService uses the row; before one does, the API server is not asked about the kind. */
export type ChildRow =
  | Row<Exclude<ChildKind, KindOfOthers>>
  | (Row<KindOfOthers> & { asked: (wish: Wish) => boolean })

const each =
  <Component extends string>(
    components: readonly Component[],
    build: (target: Target, component: Component) => Child | undefined,
  ) =>
  (target: Target) =>
    components.map(component => build(target, component))

/** What an engine of ours consists of; one that others run consists of nothing, or has a row of its own. */
const run =
  <Component extends string>(build: (target: Target, component: Component) => Child | undefined) =>
  (target: Target, component: Component): Child | undefined => {
    return isManaged(target.effective, component) ? build(target, component) : undefined
  }

/** Whether cert-manager makes the certificates. */
const isIssued = ({ effective }: Wish): boolean => signerOf(effective) === 'cert-manager'

const one = (build: (target: Target) => Child | undefined) => (target: Target) => [build(target)]

export const children: readonly ChildRow[] = [
  { kind: 'Secret', stage: 'engines', write: 'create', build: one(identitySecret) },
  { kind: 'Secret', stage: 'engines', write: 'create', build: one(credentialsSecret) },
  { kind: 'Secret', stage: 'engines', write: 'create', build: passwordsSecrets },
  { kind: 'Secret', stage: 'engines', write: 'create', build: bindingSecrets },
  {
    kind: 'ServiceAccount',
    stage: 'engines',
    write: 'apply',
    build: each([...parts, 'jobs'], run(serviceAccount)),
  },
  { kind: 'ConfigMap', stage: 'engines', write: 'apply', build: each(engineParts, run(engineConfigMap)) },
  { kind: 'Service', stage: 'engines', write: 'apply', build: each(parts, run(service)) },
  {
    kind: 'Service',
    stage: 'engines',
    write: 'apply',
    build: each(['postgres'], run(postgresPrimaryService)),
  },
  {
    kind: 'Service',
    stage: 'engines',
    write: 'apply',
    build: each(['postgres'], run(postgresReplicaService)),
  },
  {
    kind: 'PodDisruptionBudget',
    stage: 'engines',
    write: 'apply',
    build: each(parts, run(podDisruptionBudget)),
  },
  {
    kind: 'NetworkPolicy',
    stage: 'engines',
    write: 'apply',
    build: each([...parts, 'jobs', 'backup'], run(networkPolicy)),
  },
  { kind: 'Issuer', stage: 'engines', write: 'apply', asked: isIssued, build: issuers },
  { kind: 'Certificate', stage: 'engines', write: 'apply', asked: isIssued, build: certificates },
  {
    kind: 'PeerAuthentication',
    stage: 'engines',
    write: 'apply',
    asked: ({ effective }) => isMeshed(effective),
    build: one(peerAuthentication),
  },
  {
    kind: 'DestinationRule',
    stage: 'engines',
    write: 'apply',
    asked: ({ effective }) => isMeshed(effective),
    build: destinationRules,
  },
  { kind: 'StatefulSet', stage: 'engines', write: 'apply', build: each(engineParts, run(statefulSet)) },
  {
    kind: 'KafkaUser',
    stage: 'engines',
    write: 'apply',
    asked: ({ effective }) => effective.strimzi !== undefined,
    build: target => [kafkaUser(target), ...consumerUsers(target)],
  },
  {
    kind: 'KafkaTopic',
    stage: 'engines',
    write: 'apply',
    asked: ({ effective }) => effective.strimzi !== undefined,
    build: kafkaTopics,
  },
  {
    kind: 'Cluster',
    stage: 'engines',
    write: 'apply',
    asked: ({ effective }) => effective.cloudNativePG !== undefined,
    build: one(postgresCluster),
  },
  { kind: 'ConfigMap', stage: 'engines', write: 'apply', build: one(backupConfigMap) },
  { kind: 'StatefulSet', stage: 'engines', write: 'apply', build: one(backupStatefulSet) },
  { kind: 'StatefulSet', stage: 'engines', write: 'apply', build: one(mirrorStatefulSet) },
  { kind: 'CronJob', stage: 'engines', write: 'apply', build: one(backupCronJob) },
  { kind: 'Job', stage: 'engines', write: 'create', build: one(operationJob) },
  { kind: 'ConfigMap', stage: 'migration', write: 'apply', build: one(settingsConfigMap) },
  { kind: 'Job', stage: 'migration', write: 'create', build: one(migrateJob) },
  { kind: 'CronJob', stage: 'service', write: 'apply', build: one(maintainCronJob) },
  { kind: 'Deployment', stage: 'service', write: 'apply', build: each(deployedParts, deployment) },
  { kind: 'Job', stage: 'service', write: 'create', build: one(retireJob) },
  {
    kind: autoscalerKind,
    stage: 'scaling',
    write: 'apply',
    build: each(deployedParts, horizontalPodAutoscaler),
  },
  { kind: 'ConfigMap', stage: 'scaling', write: 'apply', build: one(logUserConfigMap) },
  {
    kind: 'TriggerAuthentication',
    stage: 'scaling',
    write: 'apply',
    asked: ({ effective }) => isScaledByKeda(effective.replicas),
    build: one(triggerAuthentication),
  },
  {
    kind: 'ScaledObject',
    stage: 'scaling',
    write: 'apply',
    asked: ({ effective }) => isScaledByKeda(effective.replicas),
    build: one(scaledObject),
  },
]

export interface DesiredChild {
  stage: Stage
  kind: ChildKind
  write: 'apply' | 'create'
  object: Child
}

/** Everything that should exist for a DataService, in the order in which it is written. */
export function desiredChildren(target: Target): DesiredChild[] {
  return children
    .filter(row => isAsked(row, target))
    .flatMap(({ kind, stage, write, build }) =>
      build(target).flatMap(object => (object === undefined ? [] : [{ kind, stage, write, object }])),
    )
}

/** Children that nothing asks for any more. */
export function unwanted(
  desired: readonly DesiredChild[],
  children: readonly ObservedChild[],
): ObservedChild[] {
  const wanted = new Set(desired.map(({ kind, object }) => `${kind}/${object.metadata.name}`))
  return children.filter(({ kind, metadata }) => !wanted.has(`${kind}/${metadata.name}`))
}

const childKinds: readonly ChildKind[] = [...new Set(children.map(({ kind }) => kind))]

/** Kinds the operator keeps a watched copy of from its start on. Secrets are never listed nor watched. */
export const watchedKinds: readonly Exclude<ChildKind, 'Secret' | KindOfOthers>[] = childKinds.filter(
  kind => kind !== 'Secret' && !isKindOfOthers(kind),
)

/** Kinds of which it keeps one from the moment on when a DataService uses them. */
export const demandedKinds: readonly KindOfOthers[] = childKinds.filter(kind => isKindOfOthers(kind))

const isAsked = (row: ChildRow, wish: Wish): boolean => !('asked' in row) || row.asked(wish)

/** The kinds of others that a DataService uses. */
export const askedKinds = (wish: Wish): KindOfOthers[] =>
  demandedKinds.filter(kind => children.some(row => row.kind === kind && isAsked(row, wish)))

/** Watched kinds of which those of others matter too. */
export const unfilteredKinds = [autoscalerKind] as const

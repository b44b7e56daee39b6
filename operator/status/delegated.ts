/** What is said of engines that another operator of the cluster runs. Pure. */

import type { ConditionType } from '#crds/v1alpha1/conditions.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { database } from '#dataservice/contract/names.ts'
import { fullNameOf } from '#operator/desired/kinds-of-others.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import { partName } from '#operator/desired/names.ts'
import { isClusterLost, postgresClusterOf } from '#operator/reconcile/engine-workload.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { kindTrouble } from '#operator/reconcile/kinds-in-use.ts'
import { clusterProgress, clusterState } from '#operator/reconcile/postgres-cluster.ts'
import { strimziConsumers, strimziTopics, strimziUser, type Wanted } from '#operator/reconcile/strimzi.ts'
import { type Finding, fails, holds } from './conditions.ts'
import { cost } from './data-refused.ts'
import { resting } from './hibernation.ts'
import { kubectl } from './kubectl.ts'

/** What Strimzi says of the user. */
export const delegatedLog = (facts: Facts): Finding => ofStrimzi(facts, 'LogReady', [strimziUser(facts)])

/** What it says of the topics; undefined where it is not asked for any. */
export const delegatedTopics = (facts: Facts): Finding | undefined =>
  facts.target.effective.strimzi && ofStrimzi(facts, 'TopicsReady', strimziTopics(facts))

/** What it says of the users of consumers; undefined where there are none. */
export function delegatedConsumers(facts: Facts): Finding | undefined {
  const users = strimziConsumers(facts)
  return users.length === 0 ? undefined : ofStrimzi(facts, 'ConsumersReady', users)
}

function ofStrimzi(facts: Facts, type: ConditionType, wanted: readonly Wanted[]): Finding {
  const { cluster = '' } = facts.target.effective.strimzi ?? {}
  const { namespace } = facts.owner.metadata
  const failing = wanted.find(({ state }) => state?.isReady !== true)
  const trouble = kindTrouble((failing ?? wanted[0])?.kind ?? 'KafkaUser', facts)
  if (trouble !== undefined) return fails(type, trouble.reason, trouble.message)
  const names = wanted.map(({ name }) => name).join(', ')
  if (failing === undefined)
    return holds(type, 'Delegated', `${wanted[0]?.kind} ${names} of Kafka ${cluster}: Strimzi says Ready`)
  const { kind, name, state } = failing
  if (state === undefined) return awaitedOne(facts, type, `${kind} ${name}`)
  const look = `${kubectl(facts.owner.metadata, `describe ${fullNameOf(kind)} ${name}`)} tells more`
  const remedy = `is there a Kafka ${cluster} in namespace ${namespace}, with topicOperator and userOperator? ${look}`
  return fails(
    type,
    state.isStuck ? 'EngineStalled' : 'EngineNotReady',
    `${kind} ${name} of Kafka ${cluster}: ${state.says}; ${state.isStuck ? look : remedy}`,
  )
}

const awaitedOne = ({ block }: Facts, type: ConditionType, what: string): Finding =>
  block === undefined
    ? fails(type, 'Creating', `${what} is being created`)
    : fails(type, block.reason, 'is not made before what Stalled tells is mended')

/** What CloudNativePG says of its Cluster. */
export function delegatedPostgres(facts: Facts): Finding {
  const type = 'DatabaseReady'
  const trouble = kindTrouble('Cluster', facts)
  if (trouble !== undefined) return fails(type, trouble.reason, trouble.message)
  const rest = resting(facts, 'postgres', type)
  if (rest !== undefined) return rest
  const { metadata } = facts.owner
  const name = partName(metadata.name, 'postgres')
  const cluster = postgresClusterOf(facts)
  if (isClusterLost(facts)) return fails(type, 'VolumeLost', lost(metadata, name))
  if (cluster === undefined) return awaitedOne(facts, type, `Cluster ${name}`)
  const { isReady, isStuck, says } = clusterState(cluster)
  const { ready, wanted } = clusterProgress(cluster)
  const what = `Cluster ${name} of CloudNativePG: ${ready} of ${wanted} instances ready`
  if (isReady) return holds(type, 'Delegated', what)
  const look = `${kubectl(metadata, `describe ${fullNameOf('Cluster')} ${name}`)} tells more`
  return fails(type, isStuck ? 'EngineStalled' : 'EngineNotReady', `${what}; ${says}. ${look}`)
}

const lost = (owner: DataService['metadata'], name: string): string =>
  `Cluster ${name} of CloudNativePG is gone and held data before. Bring it back (bootstrap.recovery with database and ` +
  `owner ${database.name}, and the annotation ${annotationKeys.retained}), or, to begin with an empty one, ` +
  `${kubectl(owner, `annotate dsvc/${owner.name} ${annotationKeys.reinitialise}=postgres`)}: ${cost.postgres}`

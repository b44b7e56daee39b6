/** What is said of engines that another operator of the cluster runs. Pure. */

import { annotationKeys } from '#operator/desired/labels.ts'
import { partName } from '#operator/desired/names.ts'
import { isClusterLost, postgresClusterOf } from '#operator/reconcile/engine-workload.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { kindTrouble } from '#operator/reconcile/kinds-in-use.ts'
import { clusterProgress, clusterState } from '#operator/reconcile/postgres-cluster.ts'
import { type Finding, fails, holds } from './conditions.ts'
import { cost } from './data-refused.ts'
import { resting } from './hibernation.ts'

/** What CloudNativePG says of its Cluster. */
export function delegatedPostgres(facts: Facts): Finding {
  const type = 'DatabaseReady'
  const trouble = kindTrouble('Cluster', facts)
  if (trouble !== undefined) return fails(type, trouble.reason, trouble.message)
  const rest = resting(facts, 'postgres', type)
  if (rest !== undefined) return rest
  const { namespace, name: owner } = facts.owner.metadata
  const name = partName(owner, 'postgres')
  const cluster = postgresClusterOf(facts)
  if (isClusterLost(facts)) return fails(type, 'VolumeLost', lost(owner, name))
  if (cluster === undefined)
    return facts.block === undefined
      ? fails(type, 'Creating', `Cluster ${name} is being created`)
      : fails(type, facts.block.reason, 'is not made before what Stalled tells is mended')
  const { isReady, isStuck, says } = clusterState(cluster)
  const { ready, wanted } = clusterProgress(cluster)
  const what = `Cluster ${name} of CloudNativePG: ${ready} of ${wanted} instances ready`
  if (isReady) return holds(type, 'Delegated', what)
  const look = `kubectl describe clusters.postgresql.cnpg.io -n ${namespace} ${name} tells more`
  return fails(type, isStuck ? 'EngineStalled' : 'EngineNotReady', `${what}; ${says}. ${look}`)
}

const lost = (owner: string, name: string): string =>
  `Cluster ${name} of CloudNativePG is gone and held data before. Bring it back (bootstrap.recovery, with the annotation ` +
  `${annotationKeys.retained}), or, to begin with an empty one, ` +
  `kubectl annotate dsvc/${owner} ${annotationKeys.reinitialise}=postgres: ${cost.postgres}`

/** Condition `Scaling`: who owns the number of pods of each part. Pure. */
import type { Reason } from '#crds/v1alpha1/conditions.ts'
import {
  autoscalerKind,
  conditionsOf,
  type ForeignAutoscaler,
  scaledObjectKind,
} from '#operator/desired/autoscalers.ts'
import { fullNameOf } from '#operator/desired/kinds-of-others.ts'
import { type DeployedPart, deployedParts, partName } from '#operator/desired/names.ts'
import { conditionIn } from '#operator/desired/observed-conditions.ts'
import { type PodNumber, podNumbers } from '#operator/desired/pod-numbers.ts'
import { type Facts, findChild } from '#operator/reconcile/facts.ts'
import { kindTrouble } from '#operator/reconcile/kinds-in-use.ts'
import { hibernates } from '#operator/reconcile/lifecycle/hibernates.ts'
import { type PodProgress, podProgress } from '#operator/reconcile/progress.ts'
import { writerScaling } from '#operator/reconcile/writers/scaling.ts'
import { type Finding, fails, holds } from './conditions.ts'
import { comesBack } from './hibernation.ts'
import { kubectl } from './kubectl.ts'

const type = 'Scaling'

export function scaling(facts: Facts): Finding {
  if (hibernates(facts.owner))
    return holds(type, 'Hibernated', `pods when it wakes: ${comesBack(facts) || 'as the spec says'}`)
  const { effective, foreignAutoscalers } = facts.target
  const numbers = podNumbers(effective.replicas, foreignAutoscalers)
  const owners = deployedParts.map(part => `${part}: ${ownerOf(part, numbers[part], facts)}`).join('; ')
  for (const part of deployedParts) {
    const problem =
      conflict(part, foreignAutoscalers) ??
      withoutMetrics(part, numbers[part], facts) ??
      withoutKeda(part, numbers[part], facts)
    if (problem !== undefined) return fails(type, problem.reason, `${problem.message}. ${owners}`)
  }
  return holds(type, reasons[numbers.gateway.rule], owners)
}

/** The gateway is what `replicas` and `kubectl scale dsvc` speak of. */
const reasons: Record<PodNumber['rule'], Reason> = {
  exact: 'FixedNumber',
  seed: 'FixedNumber',
  floor: 'AutoscaledByCPU',
  lag: 'FixedNumber', // not of the gateway
  keda: 'FixedNumber', // nor this
  followed: 'ForeignAutoscaler',
  theirs: 'ForeignAutoscaler',
}

function ownerOf(part: DeployedPart, wanted: PodNumber, facts: Facts): string {
  const name = partName(facts.owner.metadata.name, part)
  switch (wanted.rule) {
    case 'exact':
      return `${wanted.number} as the spec says`
    case 'seed':
      return `${kubectl(facts.owner.metadata, `scale deployment/${name}`)}, up to ${wanted.most}`
    case 'floor':
      return wanted.number === 0
        ? `0 as the spec says, ${autoscalerKind} ${name} sleeps`
        : `${autoscalerKind} ${name}, ${wanted.number} to ${wanted.most} at ${wanted.cpuPercent} % CPU`
    case 'lag':
      return wanted.number === 0
        ? '0 as the spec says'
        : `the operator after the lag, ${wanted.number} to ${wanted.most}${heldBy(facts)}`
    case 'keda':
      return wanted.number === 0
        ? '0 as the spec says'
        : `${scaledObjectKind} ${name} of KEDA, ${wanted.number} to ${wanted.most} with ${wanted.lagThreshold} waiting ` +
            `records for each${isPaused(name, facts) ? ', paused by its annotation' : ''}`
    case 'followed':
      return `${autoscalerKind} ${wanted.theirs.join(', ')} moves spec.replicas`
    case 'theirs':
      return `${autoscalerKind} ${wanted.theirs.join(', ')}${asleep(name, facts)}`
    default:
      return wanted satisfies never
  }
}

const remedies = {
  Partitions: 'there are no more partitions: kafka.topic.partitions',
  Database: 'Postgres would not store more: postgres.managed.resources',
  Max: 'writer.autoscaling.maxReplicas is reached',
} as const

/** Why there are no more writers although records wait. */
function heldBy(facts: Facts): string {
  const limit = writerScaling(facts)?.limitedBy
  return limit === undefined ? '' : ` (records wait, and ${remedies[limit]})`
}

/** An autoscaler never leaves 0, and the number is not ours to write. */
function asleep(name: string, facts: Facts): string {
  const deployment = findChild(facts, 'Deployment', name)
  if (deployment === undefined || podProgress(deployment).wanted !== 0) return ''
  return ` sleeps at 0 pods, ${kubectl(facts.owner.metadata, `scale deployment/${name} --replicas=1`)} wakes it`
}

interface Problem {
  reason: Reason
  message: string
}

function conflict(part: DeployedPart, foreign: readonly ForeignAutoscaler[]): Problem | undefined {
  const names = foreign.filter(each => each.part === part).map(({ name }) => name)
  if (names.length < 2) return undefined
  return {
    reason: 'AutoscalersInConflict',
    message:
      `several ${autoscalerKind}s move the pods of the ${part} and so none of them works: ` +
      `keep one of ${names.join(', ')} and delete the others`,
  }
}

/** What our autoscaler says when it has no figures to go by. */
const figuresMissing = ['FailedGetResourceMetric', 'InvalidMetricSourceType']

function withoutMetrics(part: DeployedPart, wanted: PodNumber, facts: Facts): Problem | undefined {
  const name = partName(facts.owner.metadata.name, part)
  const ours = wanted.rule === 'floor' ? findChild(facts, autoscalerKind, name) : undefined
  const active = conditionsOf(ours?.status).find(condition => condition.type === 'ScalingActive')
  if (active?.status !== 'False' || !figuresMissing.includes(String(active.reason))) return undefined
  return {
    reason: 'MetricsMissing',
    message:
      `${autoscalerKind} ${name} gets no CPU figures, so the number of pods stays: install metrics-server, ` +
      `or set ${part}.autoscaling.mode to "Off" (in quotes)`,
  }
}

const isPaused = (name: string, facts: Facts): boolean =>
  conditionIn(findChild(facts, scaledObjectKind, name)?.status, 'Paused')?.['status'] === 'True'

/** What keeps KEDA from its work, in its own words. The number stays meanwhile, and never is below the floor. */
function withoutKeda(part: DeployedPart, wanted: PodNumber, facts: Facts): Problem | undefined {
  if (wanted.rule !== 'keda') return undefined
  const missing = kindTrouble(scaledObjectKind, facts) ?? kindTrouble('TriggerAuthentication', facts)
  if (missing !== undefined) return missing
  const { metadata } = facts.owner
  const name = partName(metadata.name, part)
  const ours = findChild(facts, scaledObjectKind, name)
  const ready = conditionIn(ours?.status, 'Ready')
  if (ours === undefined || ready?.['status'] === 'True') return undefined
  const words = [ready?.['reason'], ready?.['message']].filter(
    text => typeof text === 'string' && text !== '',
  )
  return {
    reason: 'ScalerNotReady',
    message:
      `${scaledObjectKind} ${name}: ${words.join(': ') || 'KEDA has not looked at it yet; does it run?'}; the number of pods ` +
      `stays. ${kubectl(metadata, `describe ${fullNameOf(scaledObjectKind)} ${name}`)} tells more`,
  }
}

/** Pods that our autoscaler adds under load, or takes away after it, do not make a part unready. */
export function isFloorReady(progress: PodProgress, { owner, target }: Facts, part: DeployedPart): boolean {
  const wanted = podNumbers(target.effective.replicas, target.foreignAutoscalers)[part]
  const { current, existing, updated, ready } = progress
  if (
    (wanted.rule !== 'floor' && wanted.rule !== 'lag' && wanted.rule !== 'keda') ||
    updated !== existing ||
    ready < Math.max(1, wanted.number)
  )
    return false
  // A new number that its controller has not seen yet is no rollout: one of ours would have ended Ready before.
  return current || owner.status?.conditions?.find(condition => condition.type === 'Ready')?.status === 'True'
}

/** Steps that concern the number of pods, as far as it is ours to say. Pure. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { DesiredChild } from '#operator/desired/children.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import { type DeployedPart, deployedParts, partName } from '#operator/desired/names.ts'
import { numberToWrite, podNumbers } from '#operator/desired/pod-numbers.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Facts, findChild } from './facts.ts'
import { keptNumber } from './lifecycle/asleep.ts'
import { wokenNumber } from './lifecycle/numbers.ts'
import { podProgress } from './progress.ts'
import { writersByLag } from './writers/scaling.ts'

export interface ScaleStep {
  do: 'scale'
  name: string
  namespace: string
  replicas: number
}

/** For the Deployment of this name; it may be about to be made. */
export function scaleSteps(facts: Facts, name: string): ScaleStep[] {
  const part = deployedParts.find(each => partName(facts.owner.metadata.name, each) === name)
  const replicas = part === undefined ? undefined : dueNumber(facts, part)
  return replicas === undefined
    ? []
    : [{ do: 'scale', name, namespace: facts.owner.metadata.namespace, replicas }]
}

/** The number that this run writes; undefined when the number stands or belongs to others. */
export function dueNumber(facts: Facts, part: DeployedPart): number | undefined {
  const { owner, target } = facts
  const observed = findChild(facts, 'Deployment', partName(owner.metadata.name, part))
  if (target.asleep.has(part))
    return observed === undefined ? undefined : numberOfSleeper(observed, part, owner)
  const woken = wokenNumber(part, facts)
  if (woken !== undefined) return woken
  const wanted = podNumbers(target.effective.replicas, target.foreignAutoscalers)[part]
  const current = observed === undefined ? numberOfNew : podProgress(observed).wanted
  const seeded = observed?.metadata.annotations?.[annotationKeys.seeded] === 'true'
  const bounded = numberToWrite(wanted, current, { seeded })
  return bounded ?? (part === 'writer' ? writersByLag(facts) : undefined)
}

/** 0, once the status keeps what it comes back with. */
function numberOfSleeper(
  observed: ObservedChild,
  part: DeployedPart,
  owner: DataService,
): number | undefined {
  const { wanted } = podProgress(observed)
  return wanted > 0 && keptNumber(part, owner) === wanted ? 0 : undefined
}

/** A Deployment that is made without a number gets this one from the API server. */
const numberOfNew = 1

/** A Deployment that may not roll yet still takes the number of pods that its user asks for. */
export function earlyScaling(due: readonly DesiredChild[], facts: Facts): ScaleStep[] {
  const dueNames = new Set(
    due.filter(({ kind }) => kind === 'Deployment').map(({ object }) => object.metadata.name),
  )
  return deployedParts
    .map(part => partName(facts.owner.metadata.name, part))
    .filter(name => !dueNames.has(name) && findChild(facts, 'Deployment', name) !== undefined)
    .flatMap(name => scaleSteps(facts, name))
}

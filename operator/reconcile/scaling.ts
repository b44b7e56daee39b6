/** Steps that concern the number of pods, as far as it is ours to say. Pure. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { DesiredChild } from '#operator/desired/children.ts'
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
  /** The number that it was decided on; one that has moved meanwhile is left alone. */
  from: number
}

/** For the Deployment of this name; it may be about to be made. */
export function scaleSteps(facts: Facts, name: string): ScaleStep[] {
  const part = deployedParts.find(each => partName(facts.owner.metadata.name, each) === name)
  const replicas = part === undefined ? undefined : dueNumber(facts, part)
  if (part === undefined || replicas === undefined) return []
  return [
    {
      do: 'scale',
      name,
      namespace: facts.owner.metadata.namespace,
      replicas,
      from: currentNumber(deploymentOf(facts, part)),
    },
  ]
}

/** The number that this run writes; undefined when the number stands or belongs to others. */
export function dueNumber(facts: Facts, part: DeployedPart): number | undefined {
  const { target } = facts
  const observed = deploymentOf(facts, part)
  if (target.asleep.has(part))
    return observed === undefined ? undefined : numberOfSleeper(observed, part, facts.owner)
  const woken = wokenNumber(part, facts)
  if (woken !== undefined) return woken
  const wanted = podNumbers(target.effective.replicas, target.foreignAutoscalers)[part]
  const bounded = numberToWrite(wanted, currentNumber(observed), { seeded: isSeeded(observed) })
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

const deploymentOf = ({ owner, children }: Facts, part: DeployedPart): ObservedChild | undefined =>
  findChild({ children }, 'Deployment', partName(owner.metadata.name, part))

const currentNumber = (deployment: ObservedChild | undefined): number =>
  deployment === undefined ? numberOfNew : podProgress(deployment).wanted

/**
 * Whether it was given its first number. It is made with the number of all new ones and gets ours in the same run. One that
 * an operator made and ended before that still has that number, and a generation that counts how it was made and the
 * annotation of the Deployment controller. A number that a user has set to it since is counted beside ours; so is a further
 * annotation, and then the number is let be, because it may be the user's.
 */
const isSeeded = (deployment: ObservedChild | undefined): boolean =>
  deployment !== undefined &&
  (podProgress(deployment).wanted !== numberOfNew ||
    (deployment.metadata.generation ?? 0) > unseededGeneration)

const unseededGeneration = 2

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

/** Who has passwords of a turn, as pods and what makes them say it. Pure. */
import { isPlainObject } from '#operator/desired/hash.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import { deployedParts, partName } from '#operator/desired/names.ts'
import { passwordsOf, turnedKeys } from '#operator/desired/secrets.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Facts, findChild } from '../facts.ts'
import { jobEnd, podProgress } from '../progress.ts'

type Seen = Pick<Facts, 'owner' | 'children' | 'pods'>

/** They have all passwords, and follow them. */
const engines = ['postgres', 'redis']

/**
 * Whether anything may log in with the passwords of that turn: a pod that is there, one that may be made, or one that is not
 * seen yet because a Deployment is still replacing its pods.
 */
export function isUsed(turn: number, { owner, children, pods }: Seen): boolean {
  const { name } = owner.metadata
  const secret = passwordsOf(name, turn)
  const isUser = (object: ObservedChild): boolean =>
    !engines.includes(object.metadata.labels[labelKeys.component] ?? '') && mounts(object, secret, isTurned)
  const isMoving = deployedParts.some(part => {
    const deployment = findChild({ children }, 'Deployment', partName(name, part))
    return deployment !== undefined && isReplacing(deployment)
  })
  return isMoving || [...children.filter(isAtWork), ...pods.filter(isAlive)].some(isUser)
}

function isReplacing(deployment: ObservedChild): boolean {
  const { existing, updated, current } = podProgress(deployment)
  return !current || existing !== updated
}

const isAtWork = (child: ObservedChild): boolean => child.kind !== 'Job' || jobEnd(child) === undefined

const isAlive = ({ status }: ObservedChild): boolean =>
  status?.['phase'] !== 'Succeeded' && status?.['phase'] !== 'Failed'

const isTurned = (keys: readonly string[]): boolean =>
  keys.some(key => Object.values<string>(turnedKeys).includes(key))

/** Whether pods of a workload mount a Secret, whatever of it. */
export const isMounted = (workload: ObservedChild, secret: string): boolean =>
  mounts(workload, secret, () => true)

function mounts(
  object: ObservedChild,
  secret: string,
  matters: (keys: readonly string[]) => boolean,
): boolean {
  const volumes = listAt(podSpec(object), 'volumes')
  const sources = volumes.flatMap(volume => [
    at(volume, 'secret'),
    ...listAt(at(volume, 'projected'), 'sources').map(source => at(source, 'secret')),
  ])
  return sources.some(
    source =>
      (at(source, 'secretName') ?? at(source, 'name')) === secret &&
      matters(listAt(source, 'items').map(item => String(at(item, 'key')))),
  )
}

/** Of a pod, or of the pods that something makes. */
function podSpec({ kind, spec }: ObservedChild): unknown {
  if (kind === 'Pod') return spec
  const template =
    kind === 'CronJob' ? at(at(at(spec, 'jobTemplate'), 'spec'), 'template') : at(spec, 'template')
  return at(template, 'spec')
}

const at = (value: unknown, field: string): unknown => (isPlainObject(value) ? value[field] : undefined)

function listAt(value: unknown, field: string): unknown[] {
  const list = at(value, field)
  return Array.isArray(list) ? list : []
}

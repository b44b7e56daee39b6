/** HorizontalPodAutoscalers that others made: what they scale, and which change of one matters. Pure. */
import { type DataService, group, kind } from '#crds/v1alpha1/resource.ts'
import { canonicalText, isPlainObject } from './hash.ts'
import { isOurs, type ObservedOwnership } from './labels.ts'
import { type DeployedPart, deployedParts, partName } from './names.ts'
import { conditionsIn } from './observed-conditions.ts'

export const autoscalerKind = 'HorizontalPodAutoscaler'
/** Of KEDA; it makes an autoscaler of the other kind. */
export const scaledObjectKind = 'ScaledObject'

/** What an autoscaler points at: the DataService itself (its gateway), or the Deployment of one of its parts. */
export interface ScaleTarget {
  /** Name of the DataService, which need not exist. */
  service: string
  part: DeployedPart
  target: 'DataService' | 'Deployment'
}

export interface ForeignAutoscaler extends ScaleTarget {
  name: string
}

/** An autoscaler as far as it is looked at, ours or not. */
export interface Autoscaler {
  metadata: { labels?: unknown; annotations?: unknown; ownerReferences?: unknown }
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
}

type NamedAutoscaler = Autoscaler & { metadata: ObservedOwnership & { name: string } }

/** Undefined when it points at nothing that could be ours. The version of the group does not matter. */
export function scaleTarget({ spec = {} }: Pick<Autoscaler, 'spec'>): ScaleTarget | undefined {
  const reference = spec['scaleTargetRef']
  if (!isPlainObject(reference)) return undefined
  const { name, apiVersion = '' } = reference
  if (typeof name !== 'string') return undefined
  const target = `${String(apiVersion).split('/')[0]}/${reference['kind']}`
  if (target === `${group}/${kind}`) return { service: name, part: 'gateway', target: 'DataService' }
  const part = deployedParts.find(each => name.endsWith(partName('', each)))
  if (target !== 'apps/Deployment' || part === undefined) return undefined
  return { service: name.slice(0, -partName('', part).length), part, target: 'Deployment' }
}

/**
 * Autoscalers of the DataService's namespace that move its pods and are not ours, in the order given. `scaledObject` is ours
 * while one is wanted: what KEDA makes for it is nobody else's. What is left of it afterwards is, so that nobody interferes
 * before it has gone.
 */
export function foreignAutoscalers(
  owner: DataService,
  autoscalers: readonly NamedAutoscaler[],
  scaledObject?: { metadata: { uid?: string } },
): ForeignAutoscaler[] {
  return autoscalers
    .filter(({ metadata }) => !isOurs(owner, metadata) && !isMadeFor(scaledObject, metadata))
    .flatMap(autoscaler => {
      const target = scaleTarget(autoscaler)
      return target?.service === owner.metadata.name ? [{ ...target, name: autoscaler.metadata.name }] : []
    })
}

const isMadeFor = (
  maker: { metadata: { uid?: string } } | undefined,
  { ownerReferences = [] }: ObservedOwnership,
): boolean =>
  ownerReferences.some(({ controller, uid }) => controller === true && uid === maker?.metadata.uid)

/** True when two states of an autoscaler differ in figures only. Those move all day and change no decision. */
export function sameButFigures(left: Autoscaler, right: Autoscaler): boolean {
  const relevant = ({ metadata, spec, status }: Autoscaler) => {
    const { labels, annotations, ownerReferences } = metadata
    return canonicalText({ labels, annotations, ownerReferences, spec, conditions: conditionsOf(status) })
  }
  return relevant(left) === relevant(right)
}

/** Type, status and reason of each condition. */
export function conditionsOf(status: Autoscaler['status']) {
  return conditionsIn(status).map(({ type, status, reason }) => ({ type, status, reason }))
}

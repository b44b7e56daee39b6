/**
 * A replica of Postgres becomes the primary. Nothing that was accepted is lost with what the old one alone had: positions
 * in the log are rows like all others, so the writers store again what the new one lacks. Pure.
 */
import type { Operation, OperationStatus } from '#crds/v1alpha1/operation.ts'
import { identityName, postgresPod } from '#operator/desired/names.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { kubectl } from '#operator/status/kubectl.ts'
import type { Facts } from '../facts.ts'
import { recordedPrimary } from '../initialised.ts'
import { filesNamePrimary, formerPrimaries } from '../pod-roles.ts'
import { isGoing, isPodReady } from '../progress.ts'
import { hasPassedSince } from '../upgrade/proof.ts'

export type Promotion = NonNullable<OperationStatus['promote']>

type Known = Pick<Facts, 'owner' | 'target' | 'pods' | 'children' | 'secrets' | 'endToEnd'>

/** Whom a promotion would make the primary, or why it does not begin; `final`: waiting does not help. */
export type Choice = Promotion | { obstacle: string; final: boolean }

export function chosen({ spec }: Operation, known: Known): Choice {
  const { owner, target } = known
  const { name } = owner.metadata
  const { providers, instances } = target.effective
  const from = target.initialisation.primary
  const wanted = spec.promote?.instance
  const never = (obstacle: string): Choice => ({ obstacle, final: true })
  if (providers.postgres !== 'managed')
    return never(
      `the Postgres of DataService ${name} is not run by this operator: promote a replica where it runs`,
    )
  if (instances === 1)
    return never(
      `DataService ${name} has no replica of Postgres: set postgres.managed.instances to 2 and create another operation ` +
        'when it is ready',
    )
  if (wanted !== undefined && wanted >= instances)
    return never(`there is no pod ${postgresPod(name, wanted)}: postgres.managed.instances is ${instances}`)
  if (wanted === from) return never(`${postgresPod(name, from)} is the primary already`)
  const replicas = Array.from({ length: instances }, (_, ordinal) => ordinal).filter(each => each !== from)
  const instance = replicas.find(
    each => (wanted === undefined || each === wanted) && isServing(podOf(each, known)),
  )
  if (instance !== undefined) return { instance, from }
  const whom =
    wanted === undefined ? 'no replica of Postgres' : `${postgresPod(name, wanted)} is not a replica that`
  const look = kubectl(owner.metadata, `describe dsvc/${name}`)
  return { obstacle: `${whom} is ready: ${look} tells why`, final: false }
}

/** Where it stands; undefined: the new primary is at work. */
export function stillToCome(
  { instance, from }: Promotion,
  known: Known,
  { startedAt, now }: { startedAt: string; now: Date },
): string | undefined {
  const { name } = known.owner.metadata
  const [primary, former] = [postgresPod(name, instance), postgresPod(name, from)]
  if (recordedPrimary(known) !== instance) return `it is recorded in Secret ${identityName(name)}`
  if (formerPrimaries(known).some(pod => !isGoing(pod))) return `${former} ends`
  if (!isServing(podOf(instance, known))) return `${primary} takes over`
  if (known.endToEnd.kind === 'notAsked') return undefined
  const since = latest(startedAt, podOf(from, known))
  return hasPassedSince(since, known, now) ? undefined : 'a probe record comes through'
}

/**
 * Pods that were the primary end as soon as their files name another one: before that they would begin anew as the
 * primary.
 */
export const replacedPrimaries = (
  known: Pick<Known, 'owner' | 'target' | 'pods' | 'children'>,
): ObservedChild[] => (filesNamePrimary(known) ? formerPrimaries(known).filter(pod => !isGoing(pod)) : [])

const podOf = (ordinal: number, { owner, pods }: Pick<Known, 'owner' | 'pods'>): ObservedChild | undefined =>
  pods.find(({ metadata }) => metadata.name === postgresPod(owner.metadata.name, ordinal))

const isServing = (pod: ObservedChild | undefined): boolean =>
  pod !== undefined && isPodReady(pod) && !isGoing(pod)

/** When the old primary was surely not asked any more: it has been ended, or another pod has its name. */
function latest(startedAt: string, former: ObservedChild | undefined): number {
  const { creationTimestamp, deletionTimestamp } = former?.metadata ?? {}
  return Math.max(
    ...[startedAt, creationTimestamp, deletionTimestamp].map(time => Date.parse(time ?? '') || 0),
  )
}

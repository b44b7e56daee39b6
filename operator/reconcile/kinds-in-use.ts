/** Which kinds of others a DataService uses, and whether the API server serves them. Pure. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ObjectStore, Serving } from '#operator/cluster/port.ts'
import { askedKinds, demandedKinds } from '#operator/desired/children.ts'
import type { Effective } from '#operator/desired/effective.ts'
import {
  fullNameOf,
  isKindOfOthers,
  type KindOfOthers,
  kindsOfOthers,
} from '#operator/desired/kinds-of-others.ts'
import type { Block } from './block.ts'
import type { Facts } from './facts.ts'

/** Those that it asks for, and those of which something of it may be left. */
export function usedKinds(owner: DataService, effective: Effective): KindOfOthers[] {
  const asked = askedKinds({ owner, effective })
  return demandedKinds.filter(
    kind => asked.includes(kind) || owner.status?.kindsOfOthers?.includes(kind) === true,
  )
}

export const servingOf = (stores: readonly ObjectStore[]): ReadonlyMap<KindOfOthers, Serving> =>
  new Map(stores.flatMap(({ kind, serving }) => (isKindOfOthers(kind) ? [[kind, serving]] : [])))

type Known = Pick<Facts, 'serving'>

/** Before the first answer a child that is missing could just be unread. */
export const isUnread = ({ serving }: Known): boolean =>
  [...serving.values()].some(({ state }) => state === 'unread')

/** Nothing is written of a kind that is not served. */
export const isServed = (kind: string, { serving }: Known): boolean =>
  !isKindOfOthers(kind) || serving.get(kind)?.state === 'served'

/** Why a kind that is asked for cannot be used; undefined where it can. */
export function kindTrouble(kind: KindOfOthers, { serving }: Known): Block | undefined {
  const found = serving.get(kind)
  const { project, install, apiVersion } = kindsOfOthers[kind]
  const what = `kind ${kind} of ${project} (${fullNameOf(kind)}, ${apiVersion.split('/')[1]})`
  if (found?.state === 'unserved')
    return {
      reason: 'KindMissing',
      message: `the API server knows no ${what}: install ${install}. It is looked for again every minute`,
    }
  if (found?.state === 'refused')
    return {
      reason: 'KindRefused',
      message:
        `the API server lists no ${what}: ${found.message}. Where a right is missing, apply the role of this version of the ` +
        'operator; it is asked again',
    }
  return undefined
}

/** The first trouble with any of these kinds; default: those that are asked for. */
export const firstKindTrouble = (
  known: Known & Pick<Facts, 'target'>,
  kinds: readonly KindOfOthers[] = askedKinds(known.target),
): Block | undefined => kinds.map(kind => kindTrouble(kind, known)).find(trouble => trouble !== undefined)

/** What the status remembers, so that a newly started operator finds what is left of a kind that is not asked for any more. */
export function rememberedKinds({ target, serving, children }: Known & Pick<Facts, 'target' | 'children'>) {
  const asked = askedKinds(target)
  return [...serving.keys()].filter(
    kind =>
      asked.includes(kind) ||
      children.some(child => child.kind === kind) ||
      serving.get(kind)?.state === 'refused',
  )
}

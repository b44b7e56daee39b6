/** What would come of a resource in the end, without doing it: all stages at once, against what is there. Pure. */
import { type DesiredChild, desiredChildren, unwanted } from '#operator/desired/children.ts'
import { agrees, sealed } from '#operator/desired/drift.ts'
import { deployedParts, partName } from '#operator/desired/names.ts'
import type { ObservedChild, Target } from '#operator/desired/target.ts'
import { type Facts, findChild, isThere } from '../facts.ts'
import { firstKindTrouble, isServed } from '../kinds-in-use.ts'
import { podProgress } from '../progress.ts'
import { isHeldBack } from '../roll-order.ts'
import { dueNumber } from '../scaling.ts'
import { keepsPods } from '../upgrade/stand.ts'
import { differences } from './differences.ts'
import { risksOf } from './risks.ts'

export interface Preview {
  /** Why nothing at all would be done; the rest is empty then. */
  refused?: string
  /** What has to be installed before all of it can be made. */
  lacking?: string
  /** What holds the restarts up. */
  waits?: string
  /** `Deployment orders-writer` and so on. */
  created: readonly string[]
  changed: readonly { object: string; fields: readonly string[] }[]
  deleted: readonly string[]
  /** Workloads whose pods are replaced, with how many there are now. */
  restarted: readonly { workload: string; pods: number }[]
  scaled: readonly { workload: string; from: number; to: number }[]
  /** Sentences about data and clients. */
  risks: readonly string[]
}

const nothing: Preview = { created: [], changed: [], deleted: [], restarted: [], scaled: [], risks: [] }

export function previewOf(facts: Facts): Preview {
  const refused = refusalOf(facts)
  if (refused !== undefined) return { ...nothing, refused }
  const desired = desiredChildren(inTheEnd(facts.target))
  const changes = desired.flatMap(child => changeOf(child, facts))
  const lacking = firstKindTrouble(facts)
  const restarted = restartedBy(changes)
  return {
    ...(lacking && { lacking: lacking.message }),
    ...(restarted.length > 0 && heldRestarts(facts)),
    created: desired
      .filter(({ kind, object }) => !isThere(facts, kind, object.metadata.name))
      .map(({ object }) => textOf(object)),
    changed: changes.map(({ observed, fields }) => ({ object: textOf(observed), fields })),
    deleted: unwanted(desired, facts.children)
      .filter(({ kind }) => isServed(kind, facts))
      .map(textOf),
    restarted,
    scaled: scaledOf(facts),
    risks: risksOf(facts),
  }
}

function refusalOf({ verdict, block }: Facts): string | undefined {
  if (block !== undefined) return block.message
  if (verdict.kind === 'accepted') return undefined
  return verdict.problems.map(({ pointer, message }) => `spec.record${pointer}: ${message}`).join('; ')
}

/** Gateways are given a new record declaration last; here it is the end that counts. */
const inTheEnd = (target: Target): Target =>
  isHeldBack(target.settings)
    ? {
        ...target,
        settings: { ...target.settings, gateway: { text: target.settings.text, hash: target.settings.hash } },
      }
    : target

const textOf = ({ kind, metadata }: Pick<ObservedChild, 'kind' | 'metadata'>): string =>
  `${kind} ${metadata.name}`

interface Change {
  observed: ObservedChild
  fields: string[]
}

/** A field that is not asked for any more cannot be seen from what is there; that there is one tells the seal. */
export const noLongerSet = 'fields that are no longer set'

function changeOf({ kind, object: built, write }: DesiredChild, facts: Facts): Change[] {
  const observed = findChild(facts, kind, built.metadata.name)
  const object = sealed(built)
  if (observed === undefined || write === 'create' || agrees(object, observed)) return []
  const fields = differences(observed, object)
  return [{ observed, fields: fields.length > 0 ? fields : [noLongerSet] }]
}

const restartedBy = (changes: readonly Change[]): Preview['restarted'] =>
  changes
    .filter(({ observed, fields }) => isWorkload(observed) && fields.some(concernsPods))
    .map(({ observed }) => ({ workload: textOf(observed), pods: podProgress(observed).existing }))
    .filter(({ pods }) => pods > 0)

const heldRestarts = (facts: Facts): Pick<Preview, 'waits'> =>
  facts.stand === 'pinned' && keepsPods(facts)
    ? {
        waits: `what restarts pods, until spec.operatorRevision is taken out or set to ${facts.revision}`,
      }
    : {}

const isWorkload = ({ kind }: ObservedChild): boolean => kind === 'Deployment' || kind === 'StatefulSet'

const concernsPods = (field: string): boolean => field.startsWith('spec.template') || field === noLongerSet

function scaledOf(facts: Facts): Preview['scaled'] {
  return deployedParts.flatMap(part => {
    const observed = findChild(facts, 'Deployment', partName(facts.owner.metadata.name, part))
    const to = observed === undefined ? undefined : dueNumber(facts, part)
    if (observed === undefined || to === undefined) return []
    return [{ workload: textOf(observed), from: podProgress(observed).wanted, to }]
  })
}

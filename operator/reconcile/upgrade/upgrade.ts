/** One run's part in an upgrade: whether pods may restart, and what the status keeps of that. Pure. */
import type { DataServiceStatus, Upgrade } from '#crds/v1alpha1/status.ts'
import type { Facts } from '../facts.ts'
import type { Plan } from '../plan.ts'
import type { Turn } from './turnstile.ts'

export type Progress =
  /** Its pods are of this revision, or nothing of it differs for this DataService. */
  | { kind: 'reached' }
  /** Its turn comes now; pods restart from the next run on, when its status says so. */
  | { kind: 'granted' }
  | { kind: 'rolling' }
  /** `inside`: those whose turn it is. */
  | { kind: 'waiting'; inside: readonly string[] }
  | { kind: 'pinned' }
  /** Nothing is written to it now, so that it is not known. */
  | { kind: 'unknown' }

export function progressOf(facts: Facts, plan: Plan, enter: (first: boolean) => Turn): Progress {
  const { stand } = facts
  if (stand === 'current') return { kind: 'reached' }
  if (plan.held || facts.block !== undefined) return { kind: 'unknown' }
  if (stand === 'rolling') return { kind: 'rolling' }
  if (stand === 'pinned') return { kind: 'pinned' }
  if (plan.kept.length === 0 && plan.isWhole) return { kind: 'reached' }
  const turn = enter(isChanged(facts))
  return turn.kind === 'turn' ? { kind: 'granted' } : { kind: 'waiting', inside: turn.inside }
}

/** The user changed the spec while it waits: what it asks for then is not there yet. */
export const isChanged = ({ owner: { metadata, status } }: Pick<Facts, 'owner'>): boolean =>
  status?.upgrade?.generation !== undefined && status.upgrade.generation !== metadata.generation

/** How the DataService is in this run. */
export interface State {
  /** By the conditions of the same run. */
  isReady: boolean
  /** All is written. */
  isDone: boolean
  /** Probe records come through. */
  isPassing: boolean
  /** One has come through that was sent since the service is Ready. */
  isProven: boolean
}

/** What the status keeps. */
export function upgradeStatus(
  progress: Progress,
  { owner, revision }: Pick<Facts, 'owner' | 'revision'>,
  { isReady, isDone, isPassing, isProven }: State,
): Pick<DataServiceStatus, 'revision' | 'upgrade'> {
  const { status, metadata } = owner
  const before = { ...(status?.revision !== undefined && { revision: status.revision }) }
  const since = status?.upgrade?.generation ?? metadata.generation
  const on = (upgrade: Upgrade) => ({ ...before, upgrade })
  switch (progress.kind) {
    case 'reached':
      return { revision }
    case 'granted':
      return on({
        phase: 'Rolling',
        to: revision,
        generation: since,
        wasReady: isReady,
        wasPassing: isPassing,
      })
    case 'rolling': {
      const { wasReady = false, wasPassing = false } = status?.upgrade ?? {}
      const isOver = wasReady ? isReady && (isProven || !wasPassing) : isDone
      return isOver
        ? { revision }
        : on({ phase: 'Rolling', to: revision, generation: since, wasReady, wasPassing })
    }
    case 'waiting':
      return on({ phase: 'Waiting', to: revision, generation: since })
    case 'pinned':
      return on({ phase: 'Pinned', to: revision, generation: since })
    case 'unknown':
      return { ...before, ...(status?.upgrade && { upgrade: status.upgrade }) }
    default:
      return progress satisfies never
  }
}

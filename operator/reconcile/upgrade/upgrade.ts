/** One run's part in an upgrade: whether pods may restart, and what the status keeps of that. Pure. */
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import type { DataServiceStatus, Upgrade } from '#crds/v1alpha1/status.ts'
import { contentHash } from '#operator/desired/hash.ts'
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
export const isChanged = ({ owner: { spec, status } }: Pick<Facts, 'owner'>): boolean =>
  status?.upgrade?.spec !== undefined && status.upgrade.spec !== printOf(spec)

/** Of what only new pods take up. Numbers of pods and when they run count at once, and the pin is no wish for other pods. */
export function printOf(spec: DataServiceSpec): string {
  const { replicas: _number, lifecycle: _when, operatorRevision: _pin, ...rest } = spec
  const { autoscaling: _byCpu, ...gateway } = spec.gateway
  const { autoscaling: _byLag, replicas: _writers, ...writer } = spec.writer
  const { autoscaling: _also, replicas: _readers, ...reader } = spec.reader
  return contentHash({ ...rest, gateway, writer, reader })
}

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
  now: Date
}

/**
 * How long one that was not Ready before may keep its turn while not all is written. It may never be: a record that is
 * refused, a kind that nobody serves and a migration that fails wait for a user, and the others would wait with it.
 */
const patienceMs = 10 * 60_000

/** What the status keeps. */
export function upgradeStatus(
  progress: Progress,
  { owner, revision }: Pick<Facts, 'owner' | 'revision'>,
  { isReady, isDone, isPassing, isProven, now }: State,
): Pick<DataServiceStatus, 'revision' | 'upgrade'> {
  const { status } = owner
  const before = { ...(status?.revision !== undefined && { revision: status.revision }) }
  const spec = status?.upgrade?.spec ?? printOf(owner.spec)
  const on = (upgrade: Omit<Upgrade, 'to' | 'spec'>) => ({
    ...before,
    upgrade: { ...upgrade, to: revision, spec },
  })
  switch (progress.kind) {
    case 'reached':
      return { revision }
    case 'granted':
      return on({
        phase: 'Rolling',
        startedAt: now.toISOString(),
        wasReady: isReady,
        wasPassing: isPassing,
      })
    case 'rolling': {
      const { wasReady = false, wasPassing = false, startedAt = now.toISOString() } = status?.upgrade ?? {}
      const isLate = now.getTime() - Date.parse(startedAt) >= patienceMs
      const isOver = wasReady ? isReady && (isProven || !wasPassing) : isDone || isLate
      return isOver ? { revision } : on({ phase: 'Rolling', startedAt, wasReady, wasPassing })
    }
    case 'waiting':
      return on({ phase: 'Waiting' })
    case 'pinned':
      return on({ phase: 'Pinned' })
    case 'unknown':
      return { ...before, ...(status?.upgrade && { upgrade: status.upgrade }) }
    default:
      return progress satisfies never
  }
}

/**
 * Spares a decision that would be the same again. Topics are looked at every 45 seconds, and that look is cheap; to build
 * forty children, hash them and compare them with what is there is not. Remembered by the process; a new one decides.
 */
import { hash } from 'node:crypto'
import { isPlainObject } from '#operator/desired/hash.ts'
import { endToEnd } from '#operator/status/end-to-end.ts'
import { logRoom } from '#operator/status/log-room.ts'
import type { Result } from './carry-out.ts'
import type { Facts } from './facts.ts'
import type { Outcome } from './outcome.ts'
import { topicRecheckMs } from './outcome-of.ts'
import type { Plan } from './plan.ts'

/** What became of a run. */
export interface Run {
  plan: Plan
  result: Result
  outcome: Outcome
}

export interface Rests {
  /** What the last run answered, if it left nothing to do and knew what is known now. */
  outcome(facts: Facts): Outcome | undefined
  note(facts: Facts, run: Run): void
  /** Its DataService is gone. `key`: namespace and name. */
  forget(key: string): void
}

interface Rest {
  print: string
  outcome: Outcome
  /** When it was decided. */
  at: number
}

/**
 * `now`: milliseconds of a monotonic clock. After `longestMs` it is decided anew: some conditions change with time alone,
 * as that of a copy that is late.
 */
export function rests(now: () => number, longestMs: number): Rests {
  const known = new Map<string, Rest>()
  return {
    outcome(facts) {
      const rest = known.get(keyOf(facts))
      if (rest === undefined || now() - rest.at >= longestMs) return undefined
      return rest.print === printOf(facts) ? rest.outcome : undefined
    },
    note(facts, run) {
      if (isAtRest(facts, run))
        known.set(keyOf(facts), { print: printOf(facts), outcome: run.outcome, at: now() })
      else known.delete(keyOf(facts))
    },
    forget: key => void known.delete(key),
  }
}

const keyOf = ({ owner: { metadata } }: Facts): string => `${metadata.namespace}/${metadata.name}`

/** Nothing is under way, and nothing waits for time to pass. */
const isAtRest = ({ stand, operation, load }: Facts, { plan, result, outcome }: Run): boolean =>
  outcome.kind === 'settled' &&
  (outcome.recheckMs ?? topicRecheckMs) >= topicRecheckMs && // sooner: something moves without an event
  !plan.held &&
  [plan.steps, plan.kept, plan.contested, result.failures].every(list => list.length === 0) &&
  stand === 'current' &&
  operation === undefined &&
  load.kind !== 'seen' // how long ago the number of writers changed decides, too

/** Equal for facts from which the same follows. Figures that change from look to look stand as what is said of them. */
function printOf(facts: Facts): string {
  const {
    verdict: _followsFromSettings,
    endToEnd: _way,
    room: _room,
    isContested: _nothingIs,
    ...known
  } = facts
  return hash('sha256', JSON.stringify({ known, said: [endToEnd(facts), logRoom(facts)] }, brief))
}

/** What the API server stores is known by its version. */
function brief(_: string, value: unknown): unknown {
  if (value instanceof Map || value instanceof Set) return [...value]
  if (typeof value === 'bigint') return String(value)
  const { uid, resourceVersion } =
    isPlainObject(value) && isPlainObject(value['metadata']) ? value['metadata'] : {}
  return typeof uid === 'string' && typeof resourceVersion === 'string' ? `${uid} ${resourceVersion}` : value
}

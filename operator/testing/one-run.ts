/** What one run makes of a world, and worlds in which another class comes to hold. */
import type { ClassChoice } from '#operator/desired/class-choice.ts'
import { decide } from '#operator/reconcile/decide.ts'
import { outcomeOf } from '#operator/reconcile/outcome-of.ts'
import { deriveStatus } from '#operator/status/derive.ts'
import { dataService } from './data-service.ts'
import { factsOf, upAndRunning, type World } from './world.ts'

/** When runs are made. */
const runAt = new Date('2026-01-01T00:00:00Z')

/** Its steps, how it ends, and what the status says then. `condition` answers `Status/Reason`. */
export function oneRun(world: World) {
  const facts = factsOf(world)
  const plan = decide(facts)
  const result = { failures: [], written: 0 }
  const status = deriveStatus({ facts, plan, result, now: runAt, progress: { kind: 'unknown' } })
  const condition = (type: string) => {
    const found = status.conditions?.find(each => each.type === type)
    return `${found?.status}/${found?.reason}`
  }
  const stalled = status.conditions?.find(({ type }) => type === 'Stalled')?.message
  return { steps: plan.steps, status, condition, stalled, outcome: outcomeOf(plan, result, facts) }
}

/** All is well with the one class; then the other one holds. */
export function following(before: ClassChoice, choice: ClassChoice): World {
  const calm = upAndRunning(dataService(), undefined, before)
  const { status } = oneRun(calm)
  return { ...calm, owner: { ...calm.owner, status }, choice }
}

/** Which changes of the conditions are worth an event. Pure. */
import { type ConditionType, kindOf, type RootReason } from '#crds/v1alpha1/conditions.ts'
import type { Condition } from '#crds/v1alpha1/status.ts'

/** An event before it is written. */
export interface Notice {
  type: 'Normal' | 'Warning'
  reason: RootReason
  note: string
}

/** Ready carries the root cause of all parts; the others stand beside it. */
const told: readonly ConditionType[] = [
  'Ready',
  'Paused',
  'EndToEndReady',
  'LogHasRoom',
  'Maintained',
  'Durable',
  'PasswordsRotated',
]

/** Every DataService has them; that they are well as soon as they are known is no news beside Ready. */
const standing: ReadonlySet<ConditionType> = new Set(['EndToEndReady', 'LogHasRoom', 'Maintained', 'Durable'])

/** One notice for each told condition whose status or reason is another one. */
export function notices(before: readonly Condition[], after: readonly Condition[]): Notice[] {
  return told.flatMap(type => {
    const old = before.find(condition => condition.type === type)
    const now = after.find(condition => condition.type === type)
    if (now === undefined || now.status === 'Unknown') return []
    if (now.status === old?.status && now.reason === old.reason) return []
    const kind = kindOf(now.reason)
    const well = kind === 'ordinary' || (now.status === 'True' && kind !== 'trouble')
    if (well && standing.has(type) && (old === undefined || old.status === 'Unknown')) return []
    return [{ type: well ? 'Normal' : 'Warning', reason: now.reason, note: now.message }]
  })
}

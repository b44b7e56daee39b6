/** Whether the record declaration of the spec can be used, by itself and after the one that runs now. Pure. */
import type { RecordVerdict } from '#dataservice/contract/record-declaration.ts'
import { judgeChange } from '#dataservice/contract/record-evolution.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { leftOutProblem } from '#operator/desired/kept-record.ts'
import type { Target } from '#operator/desired/target.ts'
import type { Judge } from './remembered-verdict.ts'
import { isSame, recordGiven } from './roll-order.ts'

/**
 * What comes after the declaration that gateways were given last must let in every record that was let in before. One
 * that no gateway was given yet may be taken back.
 */
export function recordVerdict(
  target: Pick<Target, 'owner' | 'observed'>,
  declared: Settings['record'],
  judge: Judge,
): RecordVerdict {
  const problem = leftOutProblem(declared)
  if (problem !== undefined) return { kind: 'refused', problems: [problem] }
  const verdict = judge(declared)
  const before = recordGiven(target)
  if (verdict.kind === 'refused' || before === undefined || isSame(before, declared)) return verdict
  const problems = judgeChange(before, declared)
  return problems.length === 0 ? verdict : { kind: 'refused', problems }
}

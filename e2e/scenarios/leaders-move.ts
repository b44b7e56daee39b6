/** What clients may see while partitions get other leaders. */
import type { Answered } from './ledger.ts'

/**
 * A gateway tries again for a second (`docs/writing.md`). A leadership that takes longer to move is told to the client as
 * 503, and sending again is safe; more than one POST of fifty would be another fault.
 */
const share = 0.02

/** POSTs whose answers are not as they should be, in words. */
export function oddPosts(answers: readonly Answered[]): string[] {
  const odd = answers.filter(({ status }) => status !== 202)
  const honest = odd.filter(({ status }) => status === 503)
  const seen =
    honest.length <= Math.ceil(share * answers.length) ? odd.filter(each => !honest.includes(each)) : odd
  return seen.map(({ status, said }) => `POST ${status} ${said}`)
}

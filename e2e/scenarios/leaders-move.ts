/** What clients may see while partitions get other leaders. */
import type { Answered } from './ledger.ts'

/**
 * A gateway tries again for a second (`docs/availability.md`), and a leadership moves within a fraction of it. Where a machine
 * that is short of everything takes longer, the client is told 503, and which records to send again; more than one POST
 * of two hundred (at least one) would be another fault.
 */
const share = 0.005
/** A batch has records of several partitions: nothing is known of some, or some are refused, or all. */
const tellsWhatToRepeat = /\/problems\/(outcome-unknown|partly-accepted|log-unavailable)"/

/** POSTs whose answers are not as they should be, in words. */
export function oddPosts(answers: readonly Answered[]): string[] {
  const odd = answers.filter(({ status }) => status !== 202)
  const honest = odd.filter(({ status, said }) => status === 503 && tellsWhatToRepeat.test(said))
  const seen =
    honest.length <= Math.ceil(share * answers.length) ? odd.filter(each => !honest.includes(each)) : odd
  return seen.map(({ status, said }) => `POST ${status} ${said}`)
}

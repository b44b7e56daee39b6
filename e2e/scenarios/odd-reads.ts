/** What answers to GETs may not be. Pure. */
import type { Read } from './reading-load.ts'

/** Answers that deny a record that is stored, or the write that their token came from, in words. */
export function untrueReads(reads: readonly Read[]): string[] {
  return described(reads, ({ kind, status, isAsked }) => {
    if (status === 200 && !isAsked) return 'another record than the one that was asked for'
    if (status !== 404) return undefined
    return kind === 'token' ? 'hides the write of its token' : 'hides a record that is stored'
  })
}

/**
 * These, and those that failed. A write that is not stored yet may be answered 504, but not after `deadlineMs`, and not
 * each time.
 */
export function oddReads(reads: readonly Read[], deadlineMs = Number.POSITIVE_INFINITY): string[] {
  const failed = described(reads, ({ kind, status, tookMs }) => {
    if (status === 404) return undefined // untrue
    if (kind === 'token' && tookMs > deadlineMs) return 'too late'
    return status === 200 || (kind === 'token' && status === 504) ? undefined : 'failed'
  })
  return [...untrueReads(reads), ...failed, ...unseen(reads)]
}

/** Tokens were asked with, and not one of them showed its write. */
export const unseen = (reads: readonly Read[]): string[] =>
  reads.some(({ kind, isAsked }) => kind === 'token' && isAsked)
    ? []
    : ['no GET showed the write of its token']

function described(reads: readonly Read[], faultOf: (read: Read) => string | undefined): string[] {
  return reads.flatMap(read => {
    const { kind, status, tookMs, said } = read
    const fault = faultOf(read)
    return fault === undefined ? [] : [`${fault}: GET ${kind} ${status} in ${tookMs} ms ${said}`.trim()]
  })
}

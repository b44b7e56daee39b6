/** How long it is known what became of a record. */
const dayMs = 86_400_000
const hourMs = 3_600_000

/** Records of the log that are younger can be told from those that were not stored; both in milliseconds. */
export const toldMs = (logRetentionMs: number): number => Math.max(dayMs, logRetentionMs)

/** Rows of outcomes are kept a little longer, so that nobody sees some of them go. */
export const outcomeLifeMs = (logRetentionMs: number): number => toldMs(logRetentionMs) + hourMs

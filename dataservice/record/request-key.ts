/** How long an Idempotency-Key stands for its record. */
const dayMs = 86_400_000

/** As long as the log may be read again, and a day; both in milliseconds. */
export const requestKeyLifeMs = (logRetentionMs: number): number => logRetentionMs + dayMs

/** Writers that records wait for. */
import type { WriterLoad } from '#dataservice/contract/writer-progress.ts'
import type { LoadFacts } from '#operator/reconcile/facts.ts'

export const behind: WriterLoad = {
  arrived: 3_000,
  storing: 1_000,
  waiting: 600_000,
  waitingSeconds: 200,
  commitSeconds: 0.05,
  busy: 1,
}

/** Seen between two whole seconds, and with a speed that is no whole number. */
export const seenBehind: LoadFacts = {
  kind: 'seen',
  at: new Date('2026-01-01T12:00:00.500Z'),
  load: { ...behind, storing: 1_000.4 },
}

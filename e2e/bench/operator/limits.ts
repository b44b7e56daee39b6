/** Figures that have no peer: nothing shall happen, or a number is the most. */
import type { Tally } from '../contest.ts'

/** One more on both sides: nothing against nothing has no ratio. */
export const none = (name: string, what: string, count: () => Promise<number>): Tally => ({
  name,
  metric: `1 and the ${what}`,
  peer: 'none',
  gate: 1,
  count: async () => ({ ours: (await count()) + 1, peer: 1 }),
})

export const limit = (name: string, what: string, count: () => Promise<number>, most: number): Tally => ({
  name,
  metric: what,
  peer: 'the limit',
  gate: 1,
  count: async () => ({ ours: await count(), peer: most }),
})

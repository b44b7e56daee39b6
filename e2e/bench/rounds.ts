/** Lets both contenders run in turns, so that what slows the machine for a while slows both. */
import { step } from '#tools/progress.ts'
import { type Contest, cpuMicroseconds, perSecond, type Rounds, type Sample, type Size } from './contest.ts'

/** The first round of each warms code and caches up and does not count. */
export const counted: Readonly<Record<Size, number>> = { smoke: 3, full: 7 }

export async function holdContest(contest: Contest, size: Size): Promise<Rounds> {
  const samples = { ours: [] as Sample[], peer: [] as Sample[] }
  for (let round = 0; round <= counted[size]; round++) {
    // Who begins changes with each round.
    for (const who of round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) {
      const sample = await contest[who].round()
      if (round > 0) samples[who].push(sample)
      step(
        `  ${contest.name} ${who.padEnd(4)} ${round === 0 ? 'warm-up' : `round ${round}`}: ${told(sample)}`,
      )
    }
  }
  return samples
}

const told = (sample: Sample): string =>
  `${cpuMicroseconds(sample).toFixed(1)} µs CPU each, ${Math.round(perSecond(sample))}/s`

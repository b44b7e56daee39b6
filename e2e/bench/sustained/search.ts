/** The highest rate that is carried, by a few tries. */

export interface Search {
  /** Tried first; when it is not carried, nothing is. */
  from: number
  /** Each rate is so much higher than the one before, until one is not carried. */
  factor: number
  /** Rises, at most. */
  rises: number
  /** Then so many tries between the highest that was carried and the lowest that was not. */
  halvings: number
}

/** Rejects when not even the first rate is carried. */
export async function highestRate(
  { from, factor, rises, halvings }: Search,
  isCarried: (perSecond: number) => Promise<boolean>,
): Promise<number> {
  if (!(await isCarried(from))) throw new Error(`not even ${from}/s are carried`)
  let best = from
  let tooHigh: number | undefined
  for (let rise = 0; rise < rises && tooHigh === undefined; rise++) {
    const rate = Math.round(best * factor)
    if (await isCarried(rate)) best = rate
    else tooHigh = rate
  }
  for (let halving = 0; halving < halvings && tooHigh !== undefined; halving++) {
    const rate = Math.round(Math.sqrt(best * tooHigh))
    if (await isCarried(rate)) best = rate
    else tooHigh = rate
  }
  return best
}

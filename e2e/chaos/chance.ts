/** Chance that can be repeated: the same seed makes the same choices. Pure. */
import { createHash } from 'node:crypto'

export interface Chance {
  /** From 0 to below 1. */
  next(): number
  /** A whole number within both bounds. */
  between(low: number, high: number): number
  /** One of several, at least one. */
  pick<T>(from: readonly T[]): T
  /** So many different ones of several, in their order; all of them where there are fewer. */
  some<T>(from: readonly T[], count: number): T[]
  /** Chance of its own: how often it is asked changes nothing for others. */
  of(name: string): Chance
}

/** `seed`: a whole number of 32 bits. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  // mulberry32: small, and good enough to choose faults.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    between,
    pick: from => {
      const found = from[between(0, from.length - 1)]
      if (found === undefined) throw new Error('nothing to choose from')
      return found
    },
    some: (from, count) =>
      from
        .map((each, at) => ({ each, at, lot: next() }))
        .toSorted((left, right) => left.lot - right.lot)
        .slice(0, count)
        .toSorted((left, right) => left.at - right.at)
        .map(({ each }) => each),
    of: name => chance(createHash('sha256').update(`${seed}/${name}`).digest().readUInt32BE()),
  }
}

/** Gives memory back after much work at once. V8 keeps the room of a heap that was large for a moment. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from './clock.ts'

export interface GiveBackOptions {
  clock: Clock
  /** Collects everything there is to collect, and takes as long as that takes. */
  collect: () => void
}

/**
 * So many keys in line are much work: those of a new operator, or of a change that concerns everybody. Fewer come and go
 * all the time: of 10,000 each is looked at every 45 s, so that 100 are in line after a pause of half a second.
 */
const manyKeys = 100
/** Fewer in line for so long: it was not only a pause. */
const calmMs = 1_000
/** Nobody is answered while it collects (tenths of a second), so it takes no more than so much of all time, and is not done often. */
const share = 0.01
const everyMs = 10_000

/** Hears how many keys wait; collects when all of many have been served. */
export function givesBack({ clock, collect }: GiveBackOptions): (keys: number) => void {
  let wasMuch = false
  let notBefore = Number.NEGATIVE_INFINITY
  let cancel: (() => void) | undefined
  const due = (): void => {
    wasMuch = false
    cancel = undefined
    const began = clock.now()
    collect()
    const ended = clock.now()
    notBefore = ended + Math.max(everyMs, (ended - began) / share)
  }
  return keys => {
    if (keys >= manyKeys) {
      wasMuch = true
      cancel?.()
      cancel = undefined
    } else if (wasMuch) cancel ??= clock.after(Math.max(calmMs, notBefore - clock.now()), due)
  }
}

/** The collector of V8, which Node hands out under a flag only; undefined where it does not. */
export function collector(): (() => void) | undefined {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  return typeof gc === 'function' ? () => void gc({ type: 'major', flavor: 'last-resort' }) : undefined
}

/** Keys that wait for a worker: those that somebody waits for, and those that are only looked at again. */
import { type Room, Turns } from './turns.ts'

export type Lane = 'urgent' | 'calm'

/** With many keys to look at again there is still one of them for each three that somebody waits for. */
const calmTurn = 4

export class Lanes {
  readonly #lanes: Readonly<Record<Lane, Turns>> = { urgent: new Turns(), calm: new Turns() }
  #taken = 0

  get size(): number {
    return this.#lanes.urgent.size + this.#lanes.calm.size
  }

  /** A key that waits already moves up at most. */
  put(key: string, lane: Lane): void {
    const { urgent, calm } = this.#lanes
    if (lane === 'calm' && urgent.has(key)) return
    if (lane === 'urgent') calm.remove(key)
    this.#lanes[lane].add(key)
  }

  /** The key that is served next, which then waits no more; undefined when none waits that may begin. */
  take(room: Room): string | undefined {
    const { urgent, calm } = this.#lanes
    const isCalmTurn = (this.#taken + 1) % calmTurn === 0
    const [first, second] = isCalmTurn ? [calm, urgent] : [urgent, calm]
    const key = first.take(room) ?? second.take(room)
    if (key !== undefined) this.#taken += 1
    return key
  }

  clear(): void {
    this.#lanes.urgent.clear()
    this.#lanes.calm.clear()
  }
}

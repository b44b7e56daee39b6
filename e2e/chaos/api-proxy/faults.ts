/**
 * What goes wrong between the operator and the API server: a table of plain values, each saying which request or which
 * event of a watch, and what happens to it. The first row that fits counts.
 */
import { type Call, isWrite, type Verb, type WatchedEvent } from './calls.ts'

/** All that is given has to fit. */
export interface CallPattern {
  /** `write`: whatever changes something. */
  verb?: Verb | 'write'
  resource?: string
  subresource?: string
  namespace?: string
  name?: string
}

export type CallHarm =
  /** Goes on after a while. */
  | { do: 'delay'; ms: number }
  /** The API server never sees it. */
  | { do: 'answer'; status: number; reason: string; retryAfterSeconds?: number }
  /** Nothing comes back; what hangs goes on when all is healed. */
  | { do: 'hang' }
  /** The connection breaks: before the API server has the request, or after it has answered it. */
  | { do: 'break'; when: Moment }
  /** The operator is killed then. */
  | { do: 'kill'; when: Moment }
  /** A list as it was at this resourceVersion. */
  | { do: 'older'; revision: string }
export type Moment = 'before' | 'after'

export interface EventPattern {
  resource?: string
  type?: string
  namespace?: string
  name?: string
}

/**
 * `drop`: it is lost, the stream stays open. `double`: it comes twice. `cut`: the connection breaks inside its line.
 * `garbage`: a line that is no JSON stands in its place. `gone`: an ERROR event of 410 does. `hold`: the stream is silent
 * from here on, until all is healed.
 */
export type EventHarm = 'drop' | 'double' | 'cut' | 'garbage' | 'gone' | 'hold'

/** Which of those that fit: from the `nth` on (1, the first, by default), `count` of them (all by default). */
interface Turn {
  nth?: number
  count?: number
}

export type Fault =
  | ({ call: CallPattern; harm: CallHarm } & Turn)
  | ({ event: EventPattern; harm: EventHarm } & Turn)

/** Faults that are in force, and how often each of them has fitted. */
export class FaultTable {
  #rows: { fault: Fault; seen: number }[] = []
  #fired = 0

  /** How often anything was harmed, by these faults and by those before them. */
  get fired(): number {
    return this.#fired
  }

  replace(faults: readonly Fault[]): void {
    this.#rows = faults.map(fault => ({ fault, seen: 0 }))
  }

  get isEmpty(): boolean {
    return this.#rows.length === 0
  }

  /** What happens to this call; to be asked once for each. */
  ofCall(call: Call): CallHarm | undefined {
    let found: CallHarm | undefined
    for (const row of this.#rows)
      if ('call' in row.fault && fitsCall(row.fault.call, call) && isTurn(row)) found ??= row.fault.harm
    return this.#counted(found)
  }

  ofEvent(event: WatchedEvent): EventHarm | undefined {
    let found: EventHarm | undefined
    for (const row of this.#rows)
      if ('event' in row.fault && fits(row.fault.event, event) && isTurn(row)) found ??= row.fault.harm
    return this.#counted(found)
  }

  #counted<Harm>(harm: Harm | undefined): Harm | undefined {
    if (harm !== undefined) this.#fired += 1
    return harm
  }
}

function isTurn(row: { fault: Fault; seen: number }): boolean {
  row.seen += 1
  const { nth = 1, count = Number.POSITIVE_INFINITY } = row.fault
  return row.seen >= nth && row.seen < nth + count
}

function fitsCall({ verb, ...pattern }: CallPattern, call: Call): boolean {
  const fitsVerb = verb === undefined || (verb === 'write' ? isWrite(call) : verb === call.verb)
  return fitsVerb && fits(pattern, call)
}

const fits = (pattern: object, value: object): boolean =>
  Object.entries(pattern).every(([field, wanted]) => wanted === Reflect.get(value, field))

/** The lines of a watch on their way to the operator. */
import { eventOf, type WatchedEvent } from './calls.ts'
import type { EventHarm } from './faults.ts'

const newline = 0x0a

/** Whole lines with their ends; what follows the last end is a line too. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let pending: Uint8Array[] = []
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      yield Buffer.concat([...pending, chunk.subarray(start, end + 1)])
      pending = []
      start = end + 1
    }
    if (start < chunk.length) pending.push(chunk.subarray(start))
  }
  if (pending.length > 0) yield Buffer.concat(pending)
}

/** What of a line goes on, and what becomes of the stream then. */
export interface Passed {
  bytes: Buffer
  /** `break`: without an end. `hold`: nothing comes until all is healed, then `bytes`. */
  next: 'on' | 'end' | 'break' | 'hold'
}

const tooOld = {
  type: 'ERROR',
  object: {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: 410,
    reason: 'Expired',
    message: 'too old',
  },
}

/** What each harm makes of a line. */
const passing: Readonly<Record<EventHarm, (line: Buffer) => Passed>> = {
  drop: () => ({ bytes: Buffer.alloc(0), next: 'on' }),
  double: line => ({ bytes: Buffer.concat([line, line]), next: 'on' }),
  cut: line => ({ bytes: line.subarray(0, Math.floor(line.length / 2)), next: 'break' }),
  garbage: () => ({ bytes: Buffer.from('{"type":"ADDED","object":{]\n'), next: 'on' }),
  gone: () => ({ bytes: Buffer.from(`${JSON.stringify(tooOld)}\n`), next: 'end' }),
  hold: line => ({ bytes: line, next: 'hold' }),
}

export const untouched = (line: Buffer): Passed => ({ bytes: line, next: 'on' })

export interface Judge {
  resource: string
  /** What happens to this event. */
  harmOf(event: WatchedEvent): EventHarm | undefined
}

export function passedOf(line: Buffer, { resource, harmOf }: Judge): Passed {
  const event = eventOf(resource, line.toString('utf8'))
  const harm = event && harmOf(event)
  return harm === undefined ? untouched(line) : passing[harm](line)
}

/** Consistency tokens for what was accepted: with one, a GET sees that write. */
import type { KeyObject } from 'node:crypto'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { highest, type LogPosition, readTokens, writeToken } from '#dataservice/record/consistency-token.ts'
import type { RecordOutcome } from './entries.ts'

export interface Tokens {
  /** What the header of a request says. Throws a Problem when it holds no token of this service. */
  read(header: string | readonly string[] | undefined): LogPosition | undefined
  /** For records in the log, and for what an earlier token asks for. */
  write(outcomes: readonly RecordOutcome[], earlier?: LogPosition): string
}

/** `logId` tells the identity of the log as it is now. */
export function tokens(key: KeyObject, logId: () => string): Tokens {
  const single = singleTokens(key)
  return {
    read(header) {
      if (header === undefined) return undefined
      const position = readTokens(key, String(header))
      if (position === undefined)
        throw new Problem('invalid-token', { detail: 'Send it as it came, or send the records without it.' })
      return position
    },
    write(outcomes, earlier) {
      const log = logId()
      const [only] = outcomes
      if (earlier === undefined && outcomes.length === 1 && only?.kind === 'appended')
        return single(log, only.partition, only.last)
      const written = positionsOf(outcomes)
      // Of a log that was replaced nothing is worth waiting for.
      if (earlier?.log !== log) return writeToken(key, { log, offsets: written })
      return writeToken(key, { log, offsets: highest([...earlier.offsets, ...written]) })
    },
  }
}

/**
 * Tokens of single records. Records that went into the log together get the same one, of the last of them: it is signed
 * once, and they are stored together, too.
 */
function singleTokens(key: KeyObject): (log: string, partition: number, last: bigint) => string {
  const newest = new Map<number, { log: string; last: bigint; token: string }>()
  return (log, partition, last) => {
    const known = newest.get(partition)
    if (known?.last === last && known.log === log) return known.token
    const token = writeToken(key, { log, offsets: [[partition, last]] })
    newest.set(partition, { log, last, token })
    return token
  }
}

type Position = readonly [partition: number, offset: bigint]

/** Of each partition the last offset. */
const positionsOf = (outcomes: readonly RecordOutcome[]): Iterable<Position> =>
  highest(
    outcomes.flatMap((outcome): Position[] =>
      outcome.kind === 'appended' ? [[outcome.partition, outcome.last]] : [],
    ),
  )

/** Consistency tokens for what was accepted: with one, a GET sees that write. */
import type { KeyObject } from 'node:crypto'
import { Problem } from '#dataservice/platform/http/problems.ts'
import {
  type LogPosition,
  mergePositions,
  readTokens,
  writeToken,
} from '#dataservice/record/consistency-token.ts'
import type { RecordOutcome } from './entries.ts'

export interface Tokens {
  /** What the header of a request says. Throws a Problem when it holds no token of this service. */
  read(header: string | readonly string[] | undefined): LogPosition | undefined
  /** For records in the log, and for what an earlier token asks for. */
  write(outcomes: readonly RecordOutcome[], earlier?: LogPosition): string
}

/** `logId` tells the identity of the log as it is now. */
export function tokens(key: KeyObject, logId: () => string): Tokens {
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
      const offsets = new Map<number, bigint>()
      for (const outcome of outcomes) {
        if (outcome.kind !== 'appended') continue
        const known = offsets.get(outcome.partition)
        if (known === undefined || known < outcome.offset) offsets.set(outcome.partition, outcome.offset)
      }
      const position = { log, offsets }
      // Of a log that was replaced nothing is worth waiting for.
      return writeToken(key, earlier?.log === log ? mergePositions(earlier, position) : position)
    },
  }
}

/** The way to the reader, as far as the gateway uses it. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { CircuitStateName } from '#dataservice/platform/circuit.ts'

export interface ReaderQuestion {
  method: 'GET' | 'HEAD'
  /** Path and query, as the client sent them. */
  path: string
  headers: Readonly<Record<string, string>>
}

/** A body that comes as a whole is UTF-8. */
export type ReaderAnswer =
  | { kind: 'answer'; status: number; headers: IncomingHttpHeaders; body: Buffer | Readable }
  /** It cannot be reached, or too many questions are open, or it is left alone because it did not answer before. */
  | { kind: 'unavailable'; circuit?: CircuitStateName }
  | { kind: 'timeout' }

export interface ReaderPort {
  /** Never rejects. A stream must be read or destroyed. */
  ask(question: ReaderQuestion): Promise<ReaderAnswer>
  close(): Promise<void>
}

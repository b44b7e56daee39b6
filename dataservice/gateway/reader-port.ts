/** The way to the reader, as far as the gateway uses it. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'

export interface ReaderQuestion {
  method: 'GET' | 'HEAD'
  /** Path and query, as the client sent them. */
  path: string
  headers: Readonly<Record<string, string>>
}

export type ReaderAnswer =
  | { kind: 'answer'; status: number; headers: IncomingHttpHeaders; body: Readable }
  /** It cannot be reached, or too many questions are open. */
  | { kind: 'unavailable' }
  | { kind: 'timeout' }

export interface ReaderPort {
  /** Never rejects. The body must be read or destroyed. */
  ask(question: ReaderQuestion): Promise<ReaderAnswer>
  close(): Promise<void>
}

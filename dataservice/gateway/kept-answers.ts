/**
 * Answers that the reader lets the gateway give again for a short while: records that never change. Whoever asks for what
 * many ask for is answered without the reader, also while it is away.
 */

import type { IncomingHttpHeaders } from 'node:http'
import { LRUCache } from 'lru-cache'
import { Counter, type Registry } from 'prom-client'
import { namesTag } from '#dataservice/platform/http/entity-tags.ts'
import { internalHeaders } from '#dataservice/platform/http/internal-headers.ts'
import { ownCopy } from '#dataservice/platform/own-copy.ts'
import { tokenHeader } from '#dataservice/record/consistency-token.ts'
import type { ReaderAnswer, ReaderPort, ReaderQuestion } from './reader-port.ts'

export interface KeptAnswersOptions {
  reader: ReaderPort
  /** Of all answers that are kept; 0: none. */
  maxBytes: number
  metrics: Registry
  /** Milliseconds of a clock that never goes back. */
  now(): number
}

interface Kept {
  headers: IncomingHttpHeaders
  body: Buffer
  /** When it was answered. */
  since: number
  /** When it may be given no more. */
  until: number
}

/** A sixteenth of it is the most that one answer may take. */
export const keptBytes = 16 * 1024 * 1024
/** What an entry takes beside its path and its body. */
const entryBytes = 1_024
const noBytes = Buffer.alloc(0)

/** The reader, with a memory in front of it. */
export function keptAnswers({ reader, maxBytes, metrics, now }: KeptAnswersOptions): ReaderPort {
  if (maxBytes === 0) return reader
  const kept = new LRUCache<string, Kept>({
    maxSize: maxBytes,
    maxEntrySize: maxBytes / 16,
    sizeCalculation: ({ body }, path) => entryBytes + path.length + body.length,
  })
  const given = new Counter({
    name: 'dataservice_gateway_kept_answers_total',
    help: "Answers of the reader that are kept in the gateway's memory (kept), and that are given from there (given).",
    labelNames: ['what'],
    registers: [metrics],
  })
  const keep = (path: string, answer: ReaderAnswer): void => {
    const lifeMs = lifeOf(answer)
    if (lifeMs === undefined || answer.kind !== 'answer' || !Buffer.isBuffer(answer.body)) return
    const { date: _, ...headers } = answer.headers
    const since = now()
    kept.set(path, { headers, body: ownCopy(answer.body), since, until: since + lifeMs })
    given.inc({ what: 'kept' })
  }
  return {
    async ask(question) {
      if (!isPlain(question)) return reader.ask(question)
      const found = kept.get(question.path)
      if (found && now() < found.until) {
        given.inc({ what: 'given' })
        return again(found, question, now())
      }
      const answer = await reader.ask(question)
      keep(question.path, answer)
      return answer
    },
    close: () => reader.close(),
  }
}

/** Whoever has written asks for what is stored by now, and whoever sees only its own asks for a right as well. */
const isPlain = ({ method, headers }: ReaderQuestion): boolean =>
  method === 'GET' && headers[tokenHeader] === undefined && headers[internalHeaders.ownKey] === undefined

function lifeOf(answer: ReaderAnswer): number | undefined {
  if (answer.kind !== 'answer' || answer.status !== 200) return undefined
  const told = answer.headers[internalHeaders.keepMs]
  return typeof told === 'string' ? Number(told) : undefined
}

/** With its age, from which clients count how long they may keep it themselves (RFC 9111, 5.1). */
function again(
  { headers, body, since }: Kept,
  { headers: asked }: ReaderQuestion,
  now: number,
): ReaderAnswer {
  const aged = { ...headers, age: String(Math.floor((now - since) / 1000)) }
  const known = asked['if-none-match']
  const tag = String(headers.etag).slice(1, -1)
  if (known === undefined || !namesTag(known, tag))
    return { kind: 'answer', status: 200, headers: aged, body }
  const { 'content-length': _, 'content-type': __, ...rest } = aged
  return { kind: 'answer', status: 304, headers: rest, body: noBytes }
}

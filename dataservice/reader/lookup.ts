/** How the reader finds things: the cache first, then Postgres, one question at a time for the same thing. */
import { createHash } from 'node:crypto'
import type { Partitioning } from '#dataservice/platform/postgres/partitions.ts'
import type { Reads } from '#dataservice/platform/postgres/reads.ts'
import type { Row } from '#dataservice/platform/postgres/session.ts'
import type { Cache } from '#dataservice/platform/redis/cache.ts'
import { pageText, recordText } from './answers.ts'
import { type PagePlace, readCursor, signCursor } from './cursor.ts'
import { idSchemes } from './ids.ts'
import type { ReaderMetrics } from './metrics.ts'
import { canonicalQuestion, type PageRequest } from './parameters.ts'
import { pageStatement, recordStatement } from './query.ts'
import { SingleFlight } from './single-flight.ts'

export interface LookupOptions {
  database: Pick<Reads, 'query'>
  cache: Cache
  by: Partitioning['by']
  /** Records never change: how long the cache may keep one. */
  recordTtlMs: number
  cursorKey: Buffer
  metrics: ReaderMetrics
  now(): number
}

export type RecordAnswer =
  | { kind: 'found'; body: Buffer }
  | { kind: 'absent' }
  /** The id is so young that its record may still be on its way through the log. */
  | { kind: 'not-yet-visible' }

export type PageAnswer = { kind: 'page'; body: Buffer } | { kind: 'foreign-cursor' }

/** A page may be this old. */
const pageTtlMs = 1_000
/** What is larger is not worth its place in the cache. */
const maxCachedBytes = 1024 * 1024
type Kind = 'record' | 'page'

export class Lookup {
  readonly #options: LookupOptions
  readonly #flights = new SingleFlight<Buffer | undefined>()

  constructor(options: LookupOptions) {
    this.#options = options
  }

  /** `text` as a client wrote the id. Rejects with a `DatabaseFailure` when neither cache nor database can answer. */
  async record(text: string): Promise<RecordAnswer> {
    const scheme = idSchemes[this.#options.by]
    const id = scheme.canonical(text)
    if (id === undefined) return { kind: 'absent' }
    const body = await this.#cached('record', id, this.#options.recordTtlMs, async () => {
      const { rows } = await this.#options.database.query(recordStatement(id))
      return rows[0] && Buffer.from(recordText(rows[0]))
    })
    if (body) return { kind: 'found', body }
    return { kind: scheme.mayBeOnItsWay(id, this.#options.now()) ? 'not-yet-visible' : 'absent' }
  }

  /** Rejects like `record`. */
  async page({ question, limit, cursor }: PageRequest): Promise<PageAnswer> {
    const { cursorKey, by } = this.#options
    const canonical = canonicalQuestion(question)
    const before = cursor === undefined ? undefined : readCursor(cursorKey, canonical, cursor)
    if (cursor !== undefined && before === undefined) return { kind: 'foreign-cursor' }
    const name = createHash('sha256')
      .update(`${canonical}\n${limit}\n${before === undefined ? '' : JSON.stringify(before)}`)
      .digest('base64url')
    const body = await this.#cached('page', name, pageTtlMs, async () => {
      const start = { question, limit, ...(before !== undefined && { before }) }
      const { rows } = await this.#options.database.query(pageStatement(start, by))
      const items = rows.slice(0, limit)
      const found = Number(rows[0]?.[4] ?? 0)
      const last = placeOf(items.at(-1), by)
      const next = last && found > items.length ? signCursor(cursorKey, canonical, last) : undefined
      return Buffer.from(pageText(items, next))
    })
    if (!body) throw new Error('a page always has a body')
    return { kind: 'page', body }
  }

  #cached(
    kind: Kind,
    name: string,
    ttlMs: number,
    find: () => Promise<Buffer | undefined>,
  ): Promise<Buffer | undefined> {
    const { cache, metrics } = this.#options
    const key = `${kind}:${name}`
    return this.#flights.run(key, async () => {
      const answer = await cache.get(key)
      metrics.cache.inc({ kind, result: answer.kind })
      if (answer.kind === 'hit') return answer.value
      const found = await find()
      if (found && found.length <= maxCachedBytes) cache.set(key, found, ttlMs)
      return found
    })
  }
}

/** Where a row of `pageStatement` stands in the order of pages. */
function placeOf(row: Row | undefined, by: Partitioning['by']): PagePlace | undefined {
  const [id, , , , , acceptedAt] = row ?? []
  if (!id) return undefined
  return by === 'Hash' && acceptedAt ? { id, acceptedAt } : { id }
}

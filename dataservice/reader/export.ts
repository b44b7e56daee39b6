/** Everything that a query selects, as lines: page after page, never more of them in memory than the client has room for. */
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { type ExportFormat, exportTypes } from '#dataservice/platform/http/list-format.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import type { Row, Statement } from '#dataservice/platform/postgres/session.ts'
import { csvHeader, csvLines, csvSelection, jsonLines } from './export-lines.ts'
import type { Selection } from './fields.ts'
import type { Pages } from './pages.ts'
import type { PageRequest } from './parameters.ts'
import type { Ask, Store } from './store.ts'

export interface ExporterOptions {
  pages: Pick<Pages, 'rows'>
  store: Store
  /** Members of a record, for the columns of CSV. */
  columns: readonly string[]
  /** Exports at once. */
  maxOpen?: number
  /** How long a client may leave what it was sent unread. */
  idleMs?: number
}

export interface Exported {
  contentType: string
  /** Ends with an error when it cannot go on: the connection breaks off before the last chunk. */
  body: Readable
}

const defaults = { maxOpen: 8, idleMs: 60_000 } as const
/** Rows of one question to the database. */
const pageRows = 1_000
/** One page may fail so often, with pauses that get longer, before the export is given up. */
const attempts = 6
const firstPauseMs = 100
const pageDeadlineMs = 5_000

export class Exporter {
  readonly #options: Required<ExporterOptions>
  #open = 0

  constructor(options: ExporterOptions) {
    this.#options = { ...defaults, ...options }
  }

  /** Exports under way. */
  get open(): number {
    return this.#open
  }

  /** Resolves once the first page is there; undefined for a foreign cursor. Rejects like `Store.rows`, and when busy. */
  async start(request: PageRequest, format: ExportFormat, ask: Ask): Promise<Exported | undefined> {
    if (this.#open >= this.#options.maxOpen)
      throw new Problem('overloaded', { detail: 'Too many exports are under way.', retryAfter: 10 })
    const selection =
      format === 'csv' ? csvSelection(request.selection, this.#options.columns) : request.selection
    const pages = this.#options.pages.rows(
      { ...request, limit: pageRows, ...(selection && { selection }) },
      this.#reader(ask),
    )
    if (pages === undefined) return undefined
    this.#open += 1
    try {
      const first = await pages.next()
      const body = this.#stream(first.value ?? [], pages, format, selection)
      body.once('close', () => {
        this.#open -= 1
      })
      return { contentType: exportTypes[format], body }
    } catch (error) {
      this.#open -= 1
      throw error
    }
  }

  #stream(
    first: readonly Row[],
    rest: AsyncIterable<readonly Row[]>,
    format: ExportFormat,
    selection: Selection | undefined,
  ): Readable {
    const lines = format === 'csv' ? csvLines : (rows: readonly Row[]) => jsonLines(rows, selection)
    const { idleMs } = this.#options
    const unread = () => body.destroy(new Error(`the client read nothing for ${idleMs} ms`))
    async function* texts(): AsyncGenerator<string> {
      if (format === 'csv') yield csvHeader(selection)
      if (first.length > 0) yield lines(first)
      for await (const rows of rest) if (rows.length > 0) yield lines(rows)
    }
    async function* chunks(): AsyncGenerator<Buffer> {
      for await (const text of texts()) {
        const timer = setTimeout(unread, idleMs)
        try {
          yield Buffer.from(text)
        } finally {
          clearTimeout(timer)
        }
      }
    }
    const body: Readable = Readable.from(chunks(), { objectMode: false })
    return body
  }

  /** The first page fails as any other question does; a later one is asked for again, because its client has read half of the answer. */
  #reader(ask: Ask): (statement: Statement) => Promise<readonly Row[]> {
    const { store } = this.#options
    let isFirst = true
    return async statement => {
      if (isFirst) {
        isFirst = false
        return store.rows(statement, ask)
      }
      for (let attempt = 1; ; attempt++) {
        try {
          return await store.rows(statement, { ...ask, deadline: performance.now() + pageDeadlineMs })
        } catch (error) {
          const mayPass = error instanceof DatabaseFailure && error.kind !== 'refused'
          if (!mayPass || attempt >= attempts) throw error
          await pause(firstPauseMs * 2 ** attempt)
        }
      }
    }
  }
}

/** Pages of records: where they start, what they say, and how one follows another. */
import type { KeyObject } from 'node:crypto'
import type { Interval, TableKind } from '#dataservice/platform/postgres/partitions.ts'
import type { Row, Statement } from '#dataservice/platform/postgres/session.ts'
import { type Count, pageText, recordText } from './answers.ts'
import { type PagePlace, readCursor, signCursor } from './cursor.ts'
import { idSchemes } from './ids.ts'
import { canonicalQuestion, type PageQuestion, type PageRequest } from './parameters.ts'
import {
  countStatement,
  estimateStatement,
  maxCounted,
  maxPageBytes,
  type PageStart,
  pageStatement,
} from './query.ts'
import type { RowLifting } from './row-lifting.ts'
import type { Ask, Store } from './store.ts'
import { windowsOf } from './windows.ts'

export interface PagesOptions {
  store: Store
  by: TableKind
  /** Of partitions by time. */
  interval?: Interval
  cursorKey: KeyObject
  /** Milliseconds since 1970. */
  now(): number
  lifting: RowLifting
}

/** One page of a question. */
export interface Page {
  /** The same for requests that have the same answer. */
  name: unknown
  /** Asks Postgres. */
  text(ask: Ask): Promise<string>
}

export type Read = (statement: Statement) => Promise<readonly Row[]>

/** The rows of one page. */
interface Cut {
  rows: readonly Row[]
  /** There are no more behind them. */
  isLast: boolean
}

/** Bodies of one page of `rows`, in bytes. */
const exportPageBytes = 1024 * 1024
const fewestRows = 16

export class Pages {
  readonly #options: PagesOptions

  constructor(options: PagesOptions) {
    this.#options = options
  }

  /** Undefined when the cursor belongs to another question. */
  open(asked: PageRequest): Page | undefined {
    const request = { ...asked, question: this.#withKnownIds(asked.question) }
    const canonical = canonicalQuestion(request.question)
    const after = this.#placeOf(request, canonical)
    if (after === 'foreign') return undefined
    const { limit, selection, count } = request
    return {
      name: [canonical, limit, after ?? null, selection?.paths ?? null, count ?? null],
      text: ask => this.#text(request, canonical, after, ask),
    }
  }

  /** All rows from the start of a request to the end of its question, page by page; undefined as with `open`. */
  rows(asked: PageRequest, read: Read): AsyncGenerator<readonly Row[]> | undefined {
    const request = { ...asked, question: this.#withKnownIds(asked.question) }
    const start = this.#placeOf(request, canonicalQuestion(request.question))
    return start === 'foreign' ? undefined : this.#pagesFrom(request, start, read)
  }

  async *#pagesFrom(
    { question, limit, selection }: PageRequest,
    start: PagePlace | undefined,
    read: Read,
  ): AsyncGenerator<readonly Row[]> {
    const { by, lifting } = this.#options
    const asked = lifting.asked(selection)
    let size = limit
    for (let after = start; ; ) {
      const from = { question, limit: size, maxBytes: exportPageBytes }
      const start = { ...from, ...(asked && { selection: asked }), ...(after && { after }) }
      const { rows, isLast } = await this.#cut(start, read)
      yield rows.map(row => lifting.lifted(withoutExtras(row), selection))
      after = placeOf(rows.at(-1), by)
      if (after === undefined || isLast) return
      // Large records: the database need not look at many that will not fit.
      size = Math.min(limit, Math.max(2 * rows.length, fewestRows))
    }
  }

  async #text(
    { question, limit, selection, count }: PageRequest,
    canonical: string,
    after: PagePlace | undefined,
    ask: Ask,
  ): Promise<string> {
    const { store, by, cursorKey, lifting } = this.#options
    const asked = lifting.asked(selection)
    const start = { question, limit, ...(asked && { selection: asked }), ...(after && { after }) }
    const { rows, isLast } = await this.#cut(start, statement => store.rows(statement, ask))
    const last = placeOf(rows.at(-1), by)
    const next = last && !isLast ? signCursor(cursorKey, canonical, last) : undefined
    const counted = count && (await this.#count(question, count, ask))
    return pageText(
      rows.map(row => recordText(lifting.lifted(withoutExtras(row), selection), selection)),
      next,
      counted,
    )
  }

  async #cut(start: PageStart, read: Read): Promise<Cut> {
    const { by, interval, now } = this.#options
    const rows: Row[] = []
    let maxBytes = start.maxBytes ?? maxPageBytes
    for (const question of windowsOf(start.question, { after: start.after, interval, now: now() })) {
      const limit = start.limit - rows.length
      const found = await read(pageStatement({ ...start, question, limit, maxBytes }, by))
      const taken = found.slice(0, limit)
      rows.push(...taken)
      if (countOf(found) > taken.length) return { rows, isLast: false }
      maxBytes = Math.max(1, maxBytes - bytesOf(taken)) // one row comes in any case
    }
    return { rows, isLast: true }
  }

  async #count(question: PageQuestion, how: NonNullable<PageRequest['count']>, ask: Ask): Promise<Count> {
    const { store, by } = this.#options
    if (how === 'estimate') {
      const [row] = await store.rows(estimateStatement(question, by), { deadline: ask.deadline })
      return { value: plannedRows(row?.[0] ?? ''), relation: 'estimate' }
    }
    const [row] = await store.rows(countStatement(question, by), ask)
    const value = Number(row?.[0] ?? 0)
    return value > maxCounted ? { value: maxCounted, relation: 'at-least' } : { value, relation: 'exact' }
  }

  /** Ids as they are stored; those that no record can have are left out. */
  #withKnownIds({ ids, ...question }: PageQuestion): PageQuestion {
    if (ids === undefined) return question
    const scheme = idSchemes[this.#options.by]
    return { ...question, ids: [...new Set(ids.flatMap(id => scheme.canonical(id) ?? []))] }
  }

  #placeOf({ cursor }: PageRequest, canonical: string): PagePlace | undefined | 'foreign' {
    if (cursor === undefined) return undefined
    return readCursor(this.#options.cursorKey, canonical, cursor) ?? 'foreign'
  }
}

/** A row of `pageStatement` has these before the columns of the record. */
const extras = { found: 0, preciseTime: 1, id: 2 } as const

const withoutExtras = (row: Row): Row => row.slice(extras.id)

/** Rows there were for a page, up to one beyond its limit. */
const countOf = ([first]: readonly Row[]): number => Number(first?.[extras.found] ?? 0)

const bytesOf = (rows: readonly Row[]): number =>
  rows.flat().reduce((sum, cell) => sum + Buffer.byteLength(cell ?? ''), 0)

/** Where a row stands in the order of pages. */
function placeOf(row: Row | undefined, by: TableKind): PagePlace | undefined {
  const id = row?.[extras.id]
  if (!id) return undefined
  const acceptedAt = row?.[extras.preciseTime]
  return by !== 'Time' && acceptedAt ? { id, acceptedAt } : { id }
}

/** The rows that a plan in JSON expects. */
function plannedRows(plan: string): number {
  const parsed: readonly { Plan: { 'Plan Rows': number } }[] = JSON.parse(plan)
  return parsed[0]?.Plan['Plan Rows'] ?? 0
}

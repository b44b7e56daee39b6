/** Rows of one partition that wait for their transaction, bounded in number and bytes. */
import type { Offset } from '#dataservice/platform/kafka/port.ts'
import type { LogRow, NewRow } from './decode.ts'

export interface BatchLimits {
  maxRecords: number
  maxBytes: number
}

export interface LaneLimits extends BatchLimits {
  /** How long a batch waits for more records, in milliseconds. */
  maxDelayMs: number
}

export class RowBuffer {
  #rows: LogRow[] = []
  #bytes = 0
  readonly #limits: BatchLimits

  constructor(limits: BatchLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#rows.length
  }

  /** A whole batch waits: bring no more. */
  get isFull(): boolean {
    return this.#rows.length >= this.#limits.maxRecords || this.#bytes >= this.#limits.maxBytes
  }

  push(row: LogRow): void {
    this.#rows.push(row)
    this.#bytes += row.bytes
  }

  /** The oldest rows within both limits, at least one when there is one. They stay until `dropBelow`. */
  head(maxRecords: number): readonly LogRow[] {
    const limit = Math.max(1, Math.min(maxRecords, this.#limits.maxRecords))
    let bytes = 0
    let count = 0
    for (const row of this.#rows) {
      bytes += row.bytes
      if (count === limit || (count > 0 && bytes > this.#limits.maxBytes)) break
      count += 1
    }
    return this.#rows.slice(0, count)
  }

  /** Forgets rows below an offset: they are stored. */
  dropBelow(offset: Offset): void {
    const kept = this.#rows.findIndex(row => row.offset >= offset)
    const dropped = this.#rows.splice(0, kept === -1 ? this.#rows.length : kept)
    this.#bytes -= dropped.reduce((sum, row) => sum + row.bytes, 0)
  }

  clear(): void {
    this.#rows = []
    this.#bytes = 0
  }
}

/** The first row of each id: the log may hold a record twice. */
export function withoutDoubles(rows: readonly NewRow[]): readonly NewRow[] {
  const seen = new Set<string>()
  return rows.filter(({ id }) => {
    if (seen.has(id)) return false
    seen.add(id)
    return true
  })
}

/** Pages of what was stored, in the order of the log. */
import { Problem } from '#dataservice/platform/http/problems.ts'
import { type LogAccess, LogCursor, LogReplaced, OutcomesAway } from './log-cursor.ts'
import { type After, type Gap, readerAway, type Start, type StartPorts, startOf } from './start-position.ts'
import type { StoredEvent } from './stored-event.ts'
import type { Vector } from './vector.ts'

export interface ChangesOptions extends Omit<LogAccess, 'log'>, Omit<StartPorts, 'log'> {
  log: LogAccess['log'] & StartPorts['log']
  /** Pages at once; one more is refused. */
  maxOpen?: number
  /** For one page. */
  deadlineMs?: number
}

export interface PageQuestion {
  after: After
  limit: number
  /** Only records with this key. */
  ownKey?: string
}

export interface ChangesPage {
  events: readonly StoredEvent[]
  /** Where the page ends. */
  next: Vector
  /** More is stored already. */
  hasMore: boolean
  gaps: readonly Gap[]
}

const defaults = { maxOpen: 16, deadlineMs: 4_500 } as const
/** Records of one page, together; the last may go beyond. */
const maxBytes = 4 * 1024 * 1024
/** Pieces that one page looks through: a caller may own few of the records. */
const maxPieces = 24
const busyRetrySeconds = 1

export class Changes {
  readonly #options: Required<ChangesOptions>
  #open = 0

  constructor(options: ChangesOptions) {
    this.#options = { ...defaults, ...options }
  }

  /** Rejects with a Problem when the log or the reader is away, or too many pages are under way. */
  async page(question: PageQuestion): Promise<ChangesPage> {
    const { maxOpen, deadlineMs } = this.#options
    if (this.#open >= maxOpen)
      throw new Problem('overloaded', {
        detail: 'Too many pages of changes are asked for.',
        retryAfter: busyRetrySeconds,
      })
    this.#open += 1
    const signal = AbortSignal.timeout(deadlineMs)
    try {
      const [start, stored] = await Promise.all([
        startOf(question.after, this.#options, signal),
        this.#options.stored(signal),
      ])
      return await new Collector(this.#options, question, start, stored ?? readerAway()).collect(signal)
    } catch (cause) {
      throw unavailable(cause, signal)
    } finally {
      this.#open -= 1
    }
  }
}

/** Fills one page. */
class Collector {
  readonly #access: LogAccess
  readonly #question: PageQuestion
  readonly #start: Start
  readonly #stored: ReadonlyMap<number, bigint>
  readonly #next: Map<number, bigint>
  readonly #gaps: Gap[]
  readonly #events: StoredEvent[] = []
  #bytes = 0
  #pieces = 0

  constructor(access: LogAccess, question: PageQuestion, start: Start, stored: ReadonlyMap<number, bigint>) {
    this.#access = access
    this.#question = question
    this.#start = start
    this.#stored = stored
    this.#next = new Map(start.vector.next)
    this.#gaps = [...start.gaps]
  }

  async collect(signal: AbortSignal): Promise<ChangesPage> {
    for (const partition of this.#order()) {
      if (this.#isFull) break
      await this.#read(partition, signal)
    }
    const { log } = this.#start.vector
    const hasMore = [...this.#next.keys()].some(partition => this.#isBehind(partition))
    return { events: this.#events, next: { log, next: this.#next }, hasMore, gaps: this.#gaps }
  }

  /** Each page begins with another partition, so that a busy one does not keep the others waiting. */
  #order(): number[] {
    const partitions = [...this.#next.keys()]
    const sum = [...this.#next.values()].reduce((total, offset) => total + offset, 0n)
    const first = partitions.length === 0 ? 0 : Number(sum % BigInt(partitions.length))
    return [...partitions.slice(first), ...partitions.slice(0, first)]
  }

  get #isFull(): boolean {
    return this.#events.length >= this.#question.limit || this.#bytes >= maxBytes || this.#pieces >= maxPieces
  }

  #isBehind(partition: number): boolean {
    return (this.#next.get(partition) ?? 0n) < (this.#stored.get(partition) ?? 0n)
  }

  async #read(partition: number, signal: AbortSignal): Promise<void> {
    const position = this.#next.get(partition) ?? 0n
    const { topic } = this.#start
    const cursor = new LogCursor({ ...this.#access, topic, partition, position })
    for (let idle = 0; idle < 2 && this.#isBehind(partition) && !this.#isFull; ) {
      const from = cursor.position
      const piece = await cursor.next({ maxWaitMs: 0, signal })
      this.#pieces += 1
      if (piece.kind === 'gap') this.#gaps.push({ partition, from, to: piece.to })
      this.#next.set(partition, piece.kind === 'gap' ? piece.to : this.#take(piece.events, piece.next))
      // The first piece may only tell what stands before the position.
      idle = cursor.position > from ? 0 : idle + 1
    }
  }

  /** Answers where the page ends in this partition. */
  #take(events: readonly StoredEvent[], next: bigint): bigint {
    const { ownKey } = this.#question
    for (const event of events) {
      if (this.#events.length >= this.#question.limit || this.#bytes >= maxBytes) return event.offset
      if (ownKey !== undefined && event.key !== ownKey) continue
      this.#events.push(event)
      this.#bytes += event.text.length
    }
    return next
  }
}

/** What kept us from reading, as a client is told. */
export function unavailable(cause: unknown, signal: AbortSignal): unknown {
  if (cause instanceof OutcomesAway)
    return new Problem('reader-unavailable', { retryAfter: busyRetrySeconds, cause })
  const isLog = signal.aborted || cause instanceof LogReplaced
  return isLog ? new Problem('log-unreadable', { retryAfter: busyRetrySeconds, cause }) : cause
}

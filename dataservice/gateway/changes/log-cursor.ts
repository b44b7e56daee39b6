/** Goes through one partition of the log, record by record that is stored. */
import type { LogRead, LogReader, LogRecord, Offset, ReadOptions } from '#dataservice/platform/kafka/port.ts'
import type { OutcomeWatchOptions } from '../outcome-watch.ts'
import { RecentIds, repeatReach, type StoredEvent, storedRecords } from './stored-event.ts'

/** What the cursors of a pod share. */
export interface LogAccess {
  log: Pick<LogReader, 'read' | 'offsetSince'>
  /** Asks what became of the records of a range. */
  ask: OutcomeWatchOptions['ask']
  /** Milliseconds since 1970: of records that came before nobody knows any more what became of them. */
  oldest(): number
  /** What is told of a record; undefined: nothing, somebody else wrote it. */
  eventOf(record: LogRecord): StoredEvent | undefined
}

export interface CursorOptions extends LogAccess {
  topic: string
  partition: number
  position: Offset
}

/** The next piece of a partition. */
export type Piece =
  /** What is stored below `next`; without progress `next` is where the cursor stood. */
  | { kind: 'events'; events: readonly StoredEvent[]; next: Offset }
  /** Records from the position to `to` are not there any more; the cursor goes on behind them. */
  | { kind: 'gap'; to: Offset }

/** The reader does not tell what became of records. */
export class OutcomesAway extends Error {}
/** The topic was made anew, so positions mean nothing any more. */
export class LogReplaced extends Error {}

const pieceBytes = 1024 * 1024
/** How far before its position a cursor starts, to know what was told there; less where records are large. */
const lookBacks = [repeatReach, 100n, 10n, 0n]

export class LogCursor {
  readonly #options: CursorOptions
  #recent = new RecentIds()
  #position: Offset
  /** Read, and not known yet to be stored. */
  #pending: readonly LogRecord[] = []
  /** Where to read next; undefined before the first read. */
  #readTo: Offset | undefined

  constructor(options: CursorOptions) {
    this.#options = options
    this.#position = options.position
  }

  /** Everything below was told. */
  get position(): Offset {
    return this.#position
  }

  /** Nothing was read that is not told: the next read waits for new records. */
  get isAtEnd(): boolean {
    return this.#readTo !== undefined && this.#pending.length === 0
  }

  /** Rejects like `LogReader`, with `OutcomesAway` and with `LogReplaced`. Not to be called before the last call ended. */
  async next(wait: Pick<ReadOptions, 'maxWaitMs' | 'signal'>): Promise<Piece> {
    if (this.#pending.length === 0) {
      const gapTo = await this.#read(wait)
      if (gapTo !== undefined) return this.#gap(gapTo)
    }
    const [first, last] = [this.#pending[0], this.#pending.at(-1)]
    if (!first || !last) return this.#moved([], this.#readTo ?? this.#position)
    const passed = await this.#options.ask(this.#options.partition, first.offset, last.offset)
    if (!passed) throw new OutcomesAway('the reader does not tell what became of records')
    const decided = this.#pending.filter(({ offset }) => offset < passed.next)
    this.#pending = this.#pending.slice(decided.length)
    const stored = storedRecords(decided, passed.outcomes, this.#recent)
    const fresh = stored.filter(({ offset }) => offset >= this.#position)
    const events = fresh.flatMap(record => this.#options.eventOf(record) ?? [])
    const next = this.#pending[0]?.offset ?? this.#readTo ?? this.#position
    return this.#moved(events, next)
  }

  #moved(events: readonly StoredEvent[], next: Offset): Piece {
    if (next > this.#position) this.#position = next
    return { kind: 'events', events, next: this.#position }
  }

  #gap(to: Offset): Piece {
    this.#position = to
    this.#readTo = undefined
    this.#pending = []
    this.#recent = new RecentIds()
    return { kind: 'gap', to }
  }

  /** Answers the end of a gap, if there is one. */
  async #read(wait: Pick<ReadOptions, 'maxWaitMs' | 'signal'>): Promise<Offset | undefined> {
    if (this.#readTo === undefined) return this.#readFirst(wait)
    const read = await this.#fetch(this.#readTo, wait)
    if (read.kind === 'outOfRange') return read.range.start > this.#position ? read.range.start : undefined
    this.#pending = read.records
    this.#readTo = read.next
    return undefined
  }

  async #readFirst(wait: Pick<ReadOptions, 'maxWaitMs' | 'signal'>): Promise<Offset | undefined> {
    const position = this.#position
    let start = 0n
    for (let step = 0; ; ) {
      const from = highest(start, position - (lookBacks[step] ?? 0n))
      const read = await this.#fetch(from, { ...wait, maxWaitMs: 0 })
      if (read.kind === 'outOfRange') {
        if (position < read.range.start) return read.range.start
        if (from >= read.range.start) return undefined // behind the end: nothing is there yet
        start = read.range.start
      } else if (read.next >= position || from >= position) {
        this.#pending = read.records
        this.#readTo = highest(read.next, position)
        return this.#forgottenTo(wait.signal)
      } else step += 1
    }
  }

  /** What was not stored of the oldest records is forgotten before the log forgets the records. */
  async #forgottenTo(signal: AbortSignal): Promise<Offset | undefined> {
    const { log, partition, oldest } = this.#options
    const first = this.#pending.find(({ offset }) => offset >= this.#position)
    const since = oldest()
    if (first === undefined || first.timestamp >= since) return undefined
    const told = await log.offsetSince(partition, since, signal)
    return told > this.#position ? told : undefined
  }

  async #fetch(
    from: Offset,
    wait: Pick<ReadOptions, 'maxWaitMs' | 'signal'>,
  ): Promise<Exclude<LogRead, { kind: 'replaced' }>> {
    const { log, partition, topic } = this.#options
    const read = await log.read(partition, from, { ...wait, topic, maxBytes: pieceBytes })
    if (read.kind === 'replaced') throw new LogReplaced('the topic was made anew')
    return read
  }
}

const highest = (a: Offset, b: Offset): Offset => (a > b ? a : b)

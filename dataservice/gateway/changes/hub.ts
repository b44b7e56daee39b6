/** The newest part of what is stored, read once for all streams of a pod. */
import { backOffMs, pause } from '#dataservice/platform/kafka/retry.ts'
import { idLine, recordFrame } from './frames.ts'
import { type LogAccess, LogCursor, LogReplaced, OutcomesAway, type Piece } from './log-cursor.ts'
import type { Start } from './start-position.ts'
import type { Vector } from './vector.ts'

/** One event inside the bytes of its slice. */
export interface SliceEvent {
  offset: bigint
  key: string
  /** Where its frame starts, with the id of those who have seen all before it; and without that id. */
  start: number
  bodyStart: number
  end: number
}

/** Events of one partition. */
export interface Slice {
  partition: number
  events: readonly SliceEvent[]
  bytes: Buffer
  /** Everything of the partition below is told. */
  next: bigint
}

export interface HubOptions extends LogAccess {
  start: Start
  /** Of slices that are kept for those who are slow. */
  maxBytes: number
  /** Streams are woken at least so often. */
  tickMs: number
  /** It cannot go on. */
  onFailure(cause: unknown): void
}

const maxWaitMs = 1_000
const maxPauseMs = 250

export class Hub {
  readonly #options: HubOptions
  readonly #end = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #next: Map<number, bigint>
  /** By partition, the first offset that the slices hold. */
  readonly #from: Map<number, bigint>
  readonly #slices: Slice[] = []
  #first = 0
  #bytes = 0
  #ticks = 0
  #changed = Promise.withResolvers<void>()

  constructor(options: HubOptions) {
    this.#options = options
    this.#next = new Map(options.start.vector.next)
    this.#from = new Map(this.#next)
    this.#timer = setInterval(() => this.#tick(), options.tickMs)
    for (const partition of this.#next.keys())
      this.#follow(partition).catch(cause => {
        if (!this.isOver) options.onFailure(cause)
        this.stop()
      })
  }

  get topic(): string {
    return this.#options.start.topic
  }

  /** Where those stand who have seen all slices. */
  get vector(): Vector {
    return { log: this.#options.start.vector.log, next: this.#next }
  }

  get isOver(): boolean {
    return this.#end.signal.aborted
  }

  /** Number of the oldest slice; that of the next one to come is `end`. */
  get first(): number {
    return this.#first
  }

  get end(): number {
    return this.#first + this.#slices.length
  }

  get ticks(): number {
    return this.#ticks
  }

  /** Resolves with the next slice, tick, or end. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  slice(number: number): Slice | undefined {
    return this.#slices[number - this.#first]
  }

  /** Whether the slices do not go back as far as this offset. */
  isBeyond(partition: number, offset: bigint): boolean {
    return offset < (this.#from.get(partition) ?? 0n)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#end.abort(new Error('nobody follows any more'))
    this.wake()
  }

  /** All streams look around. */
  wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  async #follow(partition: number): Promise<void> {
    const { signal } = this.#end
    const { start, log, ask, oldest, eventOf } = this.#options
    const position = this.#next.get(partition) ?? 0n
    const cursor = new LogCursor({ log, ask, oldest, eventOf, topic: start.topic, partition, position })
    for (let idle = 0; !signal.aborted; ) {
      const before = cursor.position
      await this.#take(partition, cursor)
      idle = cursor.position > before ? 0 : idle + 1
      // A read at the end of the log has waited itself.
      if (idle > 0 && !cursor.isAtEnd) await pause(Math.min(backOffMs(idle, maxPauseMs), maxPauseMs), signal)
    }
  }

  async #take(partition: number, cursor: LogCursor): Promise<void> {
    try {
      const piece = await cursor.next({ maxWaitMs, signal: this.#end.signal })
      if (piece.kind === 'gap') throw new LogReplaced('the log does not hold what was to be told next')
      if (!this.isOver) this.#add(partition, piece)
    } catch (cause) {
      if (!(cause instanceof OutcomesAway)) throw cause
    }
  }

  #add(partition: number, { events, next }: Extract<Piece, { kind: 'events' }>): void {
    if (events.length > 0) {
      const slice = this.#slice(partition, events, next)
      this.#slices.push(slice)
      this.#bytes += slice.bytes.length
    }
    this.#next.set(partition, next)
    this.#forget()
    if (events.length > 0) this.wake()
  }

  #slice(partition: number, events: Extract<Piece, { kind: 'events' }>['events'], next: bigint): Slice {
    const parts: Buffer[] = []
    let at = 0
    const places = events.map(({ offset, key, text }): SliceEvent => {
      this.#next.set(partition, offset + 1n)
      const [id, body] = [idLine(this.vector), recordFrame(text)]
      parts.push(id, body)
      const start = at
      at += id.length + body.length
      return { offset, key, start, bodyStart: start + id.length, end: at }
    })
    return { partition, events: places, bytes: Buffer.concat(parts, at), next }
  }

  #forget(): void {
    while (this.#bytes > this.#options.maxBytes && this.#slices.length > 1) {
      const oldest = this.#slices.shift()
      if (!oldest) return
      this.#first += 1
      this.#bytes -= oldest.bytes.length
      this.#from.set(oldest.partition, oldest.next)
    }
  }

  #tick(): void {
    this.#ticks += 1
    this.wake()
  }
}

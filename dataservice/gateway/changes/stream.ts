/** What one client is sent: all that is stored behind where it stands, then what comes, until either side ends it. */
import { pause } from '#dataservice/platform/kafka/retry.ts'
import { gapFrame, heartbeat, idLine, recordFrame, retryFrame } from './frames.ts'
import type { Hub, Slice } from './hub.ts'
import { type LogAccess, LogCursor, OutcomesAway, type Piece } from './log-cursor.ts'
import type { Gap, Start } from './start-position.ts'
import type { Vector } from './vector.ts'

export interface StreamOptions {
  hub: Hub
  access: LogAccess
  /** Where the client stands. */
  start: Start
  /** Only records with this key. */
  ownKey?: string
  /** One of the few places of those who read the log by themselves; the answer gives it back. */
  takePlace(signal: AbortSignal): Promise<() => void>
  /** Ends it in order. */
  signal: AbortSignal
  /** Milliseconds after which the client shall come again. */
  retryMs(): number
  /** Hears how many records go out. */
  sent(events: number): void
  /** Hears why it ends before its signal says so. */
  failed(cause: unknown): void
}

const againMs = 100

export class Stream {
  readonly #options: StreamOptions
  readonly #next: Map<number, bigint>
  /** Slice of the hub that comes next. */
  #at: number | undefined
  /** The client has seen all that was before the next slice, so the ids that the hub wrote are its own. */
  #isShared = false
  #ticks: number

  constructor(options: StreamOptions) {
    this.#options = options
    this.#next = new Map(options.start.vector.next)
    this.#ticks = options.hub.ticks
  }

  /** Each chunk is whole events. Never throws. */
  async *chunks(): AsyncGenerator<Buffer> {
    const { start, retryMs, failed } = this.#options
    yield Buffer.concat([retryFrame(retryMs()), heartbeat(this.#vector)])
    try {
      for (const gap of start.gaps) yield gapFrame(gap, this.#vector)
      while (!this.#isOver) {
        if (this.#at === undefined && this.#behind().length > 0) yield* this.#catchUp()
        else yield* this.#live()
      }
    } catch (cause) {
      if (!this.#isOver) failed(cause)
    }
    yield retryFrame(retryMs())
  }

  get #vector(): Vector {
    return { log: this.#options.start.vector.log, next: this.#next }
  }

  get #isOver(): boolean {
    return this.#options.signal.aborted || this.#options.hub.isOver
  }

  /** Partitions that the hub cannot help with. */
  #behind(): number[] {
    const { hub } = this.#options
    return [...this.#next].flatMap(([partition, next]) => (hub.isBeyond(partition, next) ? [partition] : []))
  }

  /** Reads by itself, a piece of each partition in turn, until the hub holds all that comes next. */
  async *#catchUp(): AsyncGenerator<Buffer> {
    this.#leaveHub()
    const cursors = new Map<number, LogCursor>()
    for (let behind = this.#behind(); behind.length > 0 && !this.#isOver; behind = this.#behind())
      for (const partition of behind) {
        const cursor = cursors.get(partition) ?? this.#cursor(partition)
        cursors.set(partition, cursor)
        const leave = await this.#options.takePlace(this.#options.signal)
        try {
          yield* this.#piece(partition, cursor)
        } finally {
          leave()
        }
      }
  }

  /** What comes next has to be looked for again. */
  #leaveHub(): void {
    this.#at = undefined
    this.#isShared = false
  }

  #cursor(partition: number): LogCursor {
    const { access, start } = this.#options
    const position = this.#next.get(partition) ?? 0n
    return new LogCursor({ ...access, topic: start.topic, partition, position })
  }

  async *#piece(partition: number, cursor: LogCursor): AsyncGenerator<Buffer> {
    const { signal } = this.#options
    const from = cursor.position
    const piece = await cursor.next({ maxWaitMs: 0, signal }).catch((cause: unknown): Piece => {
      if (cause instanceof OutcomesAway) return { kind: 'events', events: [], next: from }
      throw cause
    })
    if (piece.kind === 'gap') {
      this.#next.set(partition, piece.to)
      yield gapFrame({ partition, from, to: piece.to } satisfies Gap, this.#vector)
      return
    }
    const slice = this.#ownSlice(partition, piece)
    this.#next.set(partition, piece.next)
    if (slice.length > 0) yield slice
    if (cursor.position === from) await pause(againMs, signal)
  }

  /** Events of a piece with the ids of this client. */
  #ownSlice(partition: number, { events }: Extract<Piece, { kind: 'events' }>): Buffer {
    const own = events.filter(({ key }) => this.#isOwn(key))
    this.#options.sent(own.length)
    return Buffer.concat(
      own.flatMap(({ offset, text }) => [this.#ownId(partition, offset), recordFrame(text)]),
    )
  }

  #isOwn(key: string): boolean {
    const { ownKey } = this.#options
    return ownKey === undefined || key === ownKey
  }

  #ownId(partition: number, offset: bigint): Buffer {
    this.#next.set(partition, offset + 1n)
    return idLine(this.#vector)
  }

  /** The next slice of the hub, or what there is to say while there is none. */
  async *#live(): AsyncGenerator<Buffer> {
    const { hub } = this.#options
    const at = this.#at ?? hub.first
    const slice = hub.slice(at)
    if (slice) {
      const chunk = this.#chunk(slice)
      this.#at = at + 1
      this.#advance(slice)
      if (chunk.length > 0) {
        this.#ticks = hub.ticks
        yield chunk
      }
    } else if (at < hub.first) this.#leaveHub()
    else {
      this.#at = at
      this.#share()
      if (hub.ticks > this.#ticks) {
        this.#ticks = hub.ticks
        yield heartbeat(this.#vector)
      } else await hub.changed
    }
  }

  /** At the end of the hub: who has seen no more than the hub has seen the same. */
  #share(): void {
    const { next } = this.#options.hub.vector
    if (!this.#isShared && [...this.#next].some(([partition, own]) => own > (next.get(partition) ?? 0n)))
      return
    this.#isShared = true
    for (const [partition, offset] of next) this.#next.set(partition, offset)
  }

  #advance({ partition, next }: Slice): void {
    if (next > (this.#next.get(partition) ?? 0n)) this.#next.set(partition, next)
  }

  #chunk(slice: Slice): Buffer {
    const { ownKey, sent } = this.#options
    if (this.#isShared && ownKey === undefined) {
      sent(slice.events.length)
      return slice.bytes
    }
    const { partition, bytes } = slice
    const known = this.#next.get(partition) ?? 0n
    const own = slice.events.filter(({ offset, key }) => offset >= known && this.#isOwn(key))
    sent(own.length)
    return Buffer.concat(
      own.flatMap(({ offset, start, bodyStart, end }) =>
        this.#isShared
          ? [bytes.subarray(start, end)]
          : [this.#ownId(partition, offset), bytes.subarray(bodyStart, end)],
      ),
    )
  }
}

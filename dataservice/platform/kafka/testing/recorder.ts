/** A handler that writes down what it is told. */
import type { LogHandler, LogRange, LogRecord, Offset, SeenTopic, StartReading } from '../port.ts'

interface Call {
  partition: number
  /** Place of the assignment in which it came. */
  assignment: number
  records: readonly LogRecord[]
}

export class Recorder implements LogHandler {
  readonly assignments: (readonly number[])[] = []
  readonly outOfRanges: { partition: number; position: Offset; range: LogRange; topic: SeenTopic }[] = []
  readonly unreadables: { partition: number; position: Offset; reason: string }[] = []
  /** Partitions we hold now. */
  current: readonly number[] = []
  revocations = 0
  /** Calls of `records` that came while another of the same partition was under way. */
  overlaps = 0
  readonly #positions: Map<number, Offset>
  readonly #tell: (event: string) => void
  readonly #calls: Call[] = []
  readonly #busy = new Set<number>()
  readonly #held = new Map<number, Promise<void>>()
  readonly #keys = new Map<string, Offset>()
  #failure: Error | undefined

  constructor(positions: Readonly<Record<number, Offset>>, tell: (event: string) => void = () => {}) {
    this.#positions = new Map(
      Object.entries(positions).map(([partition, position]) => [Number(partition), position]),
    )
    this.#tell = tell
  }

  async assigned(partitions: readonly number[], read: StartReading): Promise<void> {
    this.assignments.push(partitions)
    this.current = partitions
    this.#tell(`assigned ${partitions}`)
    for (const [partition, position] of this.#positions)
      if (partitions.includes(partition)) read(partition, position)
  }

  revoked(): void {
    this.revocations++
    this.current = []
    this.#tell('revoked')
  }

  async records(partition: number, records: readonly LogRecord[]): Promise<void> {
    if (this.#failure) throw this.#failure
    if (this.#busy.has(partition)) this.overlaps++
    this.#busy.add(partition)
    this.#calls.push({ partition, assignment: this.assignments.length - 1, records })
    await this.#held.get(partition)
    this.#busy.delete(partition)
    for (const { key, offset } of records) this.#keys.set(key?.toString() ?? '', offset)
    const last = records.at(-1)
    if (last) this.#positions.set(partition, last.offset + 1n)
  }

  outOfRange(partition: number, position: Offset, range: LogRange, topic: SeenTopic): void {
    this.outOfRanges.push({ partition, position, range, topic })
  }

  unreadable(partition: number, position: Offset, reason: string): void {
    this.unreadables.push({ partition, position, reason })
  }

  /** From now on `records` of a partition does not end before `open()`. */
  holdAt(partition: number): { open: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#held.set(partition, promise)
    return { open: resolve }
  }

  failWith(failure: Error): void {
    this.#failure = failure
  }

  calls(partition: number): number {
    return this.#calls.filter(call => call.partition === partition).length
  }

  callsOf(partition: number, assignment: number): number {
    return this.#calls.filter(call => call.partition === partition && call.assignment === assignment).length
  }

  keys(partition: number): string[] {
    return this.#records(partition).map(({ key }) => key?.toString() ?? '')
  }

  /** Most records that came at once. */
  get largestCall(): number {
    return Math.max(...this.#calls.map(({ records }) => records.length))
  }

  get count(): number {
    return this.#calls.reduce((sum, { records }) => sum + records.length, 0)
  }

  /** Records by partition and offset. */
  get distinct(): number {
    return new Set(
      this.#calls.flatMap(({ partition, records }) => records.map(r => `${partition} ${r.offset}`)),
    ).size
  }

  hasKey(key: string): boolean {
    return this.#keys.has(key)
  }

  /** Offsets that did not follow the one before, as `partition: before, after`. */
  get gaps(): string[] {
    const partitions = new Set(this.#calls.map(({ partition }) => partition))
    return [...partitions].flatMap(partition => {
      const offsets = this.#records(partition).map(({ offset }) => offset)
      return offsets.flatMap((offset, index) => {
        const before = offsets[index - 1] ?? offset - 1n
        return offset === before + 1n ? [] : [`${partition}: ${before}, ${offset}`]
      })
    })
  }

  #records(partition: number): LogRecord[] {
    return this.#calls.flatMap(call => (call.partition === partition ? call.records : []))
  }
}

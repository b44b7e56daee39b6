/**
 * Copies what changed records from the table `events` to the topic of changes: after its commit, in the order of each
 * record's versions, at least once. Where it stands is kept after the topic has it.
 */
import type { Logger } from 'pino'
import { partitionOf } from '#dataservice/platform/kafka/partition.ts'
import type { LogAppender } from '#dataservice/platform/kafka/port.ts'
import { append, inBatches } from '../batches.ts'
import type { ChangeListener } from '../change-listener.ts'
import { isReadable, type LogRow } from '../decode.ts'
import { Woken } from '../woken.ts'
import type { Change, Changes } from './change-store.ts'

export interface ChangeRelayOptions {
  changes: Changes
  /** Opens the topic; waits until it can be reached. */
  open(signal: AbortSignal): Promise<LogAppender>
  published: { inc(count: number): void }
  log: Pick<Logger, 'warn'>
  clock: { now(): number; random(): number }
}

/** Changes that are perhaps not told. */
interface News {
  /** When it was first heard of them. */
  heardAt: number
  /** No event of them is older; milliseconds since 1970. */
  since: number
}

/** One partition of the log. */
interface Standing {
  /** The topic has everything up to this number; undefined until it was asked for. */
  told: bigint | undefined
  /** To be told next. */
  news: News | undefined
  /** On their way. */
  telling: News | undefined
}

export class ChangeRelay implements ChangeListener {
  readonly #options: ChangeRelayOptions
  readonly #work: Woken
  readonly #standings = new Map<number, Standing>()
  #topic: LogAppender | undefined

  constructor(options: ChangeRelayOptions) {
    this.#options = options
    this.#work = new Woken({
      work: signal => this.#tellAll(signal),
      failed: (error, attempt) =>
        options.log.warn(
          { reason: String(error), attempt },
          'changes are not in their topic yet; trying again',
        ),
      clock: options.clock,
    })
  }

  /** How long the oldest change waits that is not in the topic, in milliseconds; 0 when all are. */
  get waitingMs(): number {
    const all = [...this.#standings.values()].flatMap(({ news, telling }) => [news, telling])
    const since = all.reduce(both, undefined)?.heardAt
    return since === undefined ? 0 : Math.max(0, this.#options.clock.now() - since)
  }

  claimed(partitions: readonly number[]): void {
    const news = { heardAt: this.#options.clock.now(), since: 0 }
    for (const partition of partitions)
      this.#standings.set(partition, { told: undefined, news, telling: undefined })
    this.#work.wake()
  }

  revoked(): void {
    this.#standings.clear()
  }

  stored(partition: number, rows?: readonly LogRow[]): void {
    const standing = this.#standings.get(partition)
    const since = rows === undefined ? 0 : oldestOf(rows)
    if (standing === undefined || since === undefined) return
    standing.news = both(standing.news, { heardAt: this.#options.clock.now(), since })
    this.#work.wake()
  }

  /** Ends after what is on its way. */
  async stop(): Promise<void> {
    await this.#work.stop()
    await this.#topic?.close()
  }

  /** Portion by portion, in turns; a partition that fails does not keep the others waiting. */
  async #tellAll(signal: AbortSignal): Promise<void> {
    const failed = new Map<Standing, unknown>()
    for (let goesOn = true; goesOn && !signal.aborted; ) {
      goesOn = false
      for (const [partition, standing] of [...this.#standings]) {
        const isOurs = this.#standings.get(partition) === standing
        if (!isOurs || standing.news === undefined || failed.has(standing)) continue
        goesOn = true
        await this.#tell(partition, standing, signal).catch(error => failed.set(standing, error))
      }
    }
    const [first] = failed.values()
    if (failed.size > 0) throw first
  }

  async #tell(partition: number, standing: Standing, signal: AbortSignal): Promise<void> {
    const { changes, published } = this.#options
    // What is stored while we read is news again.
    standing.telling = standing.news
    standing.news = undefined
    let isAll = false
    try {
      standing.told ??= await changes.position(partition)
      const portion = await changes.after(partition, standing.told, standing.telling?.since ?? 0)
      for await (const batch of this.#publish(portion.changes, signal)) {
        standing.told = batch.at(-1)?.number ?? standing.told
        published.inc(batch.length)
        await changes.moveTo(partition, standing.told)
      }
      isAll = portion.isAll
    } finally {
      if (!isAll) standing.news = both(standing.news, standing.telling)
      standing.telling = undefined
    }
  }

  /** Batch after batch that the topic has. */
  async *#publish(changes: readonly Change[], signal: AbortSignal): AsyncGenerator<readonly Change[]> {
    if (changes.length === 0) return
    this.#topic ??= await this.#options.open(signal)
    const topic = this.#topic
    const outgoing = changes.map(change => ({
      ...change,
      partition: partitionOf(change.record.key, topic.partitions),
    }))
    for (const batch of inBatches(outgoing)) {
      await append(topic, batch)
      yield batch
    }
  }
}

function both(one: News | undefined, other: News | undefined): News | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return { heardAt: Math.min(one.heardAt, other.heardAt), since: Math.min(one.since, other.since) }
}

/** Undefined when none of them can have changed a record. */
function oldestOf(rows: readonly LogRow[]): number | undefined {
  let oldest: number | undefined
  for (const row of rows)
    if (isReadable(row) && (oldest === undefined || row.idTime < oldest)) oldest = row.idTime
  return oldest
}

/**
 * Stores probe records: for each partition of their topic the writer that has the partition of the same number of the log
 * reads it, so that a probe comes through only where records do.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { LogReader, LogRecord, Offset } from '#dataservice/platform/kafka/port.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'

export interface ProbesOptions {
  log: LogReader
  database: Pick<Database, 'query'>
  /** Partitions of the log that this writer works on now. */
  partitions: () => ReadonlySet<number>
  logger: Pick<Logger, 'warn'>
  now: () => number
  /** After a failure, and while the writer has no partition. Default 1 s. */
  idleMs?: number
}

/** A probe that is older than that is waited for by nobody. */
const staleMs = 30_000
const waitMs = 5_000
const maxBytes = 64 * 1024

/** Begins at once; what fails is tried again. */
export function startProbes(options: ProbesOptions): { stop(): void } {
  const stopping = new AbortController()
  void follow(options, stopping.signal)
  return { stop: () => stopping.abort(new Error('the writer stops')) }
}

async function follow(options: ProbesOptions, signal: AbortSignal): Promise<void> {
  const { logger, idleMs = 1_000 } = options
  while (!signal.aborted) {
    const round = new AbortController()
    try {
      await followAll(options, AbortSignal.any([signal, round.signal]))
    } catch (cause) {
      if (signal.aborted) return
      logger.warn({ err: cause }, 'probes are not stored; trying again')
    } finally {
      round.abort(new Error('a partition failed')) // the others begin anew, too
    }
    await pause(idleMs, undefined, { signal }).catch(() => {})
  }
}

/** Ends when the topic is another one. */
async function followAll(options: ProbesOptions, signal: AbortSignal): Promise<void> {
  const topic = await options.log.topic(signal)
  const lanes = Array.from({ length: topic.partitions }, (_, partition) =>
    followOne(options, { topic: topic.id, partition }, signal),
  )
  await Promise.all(lanes)
}

interface Place {
  topic: string
  partition: number
}

async function followOne(options: ProbesOptions, place: Place, signal: AbortSignal): Promise<void> {
  const { log, partitions, now, idleMs = 1_000 } = options
  let position: Offset | undefined
  while (!signal.aborted) {
    if (!partitions().has(place.partition)) {
      position = undefined
      await pause(idleMs, undefined, { signal })
      continue
    }
    position ??= await log.offsetSince(place.partition, now() - staleMs, signal)
    const read = await log.read(place.partition, position, {
      topic: place.topic,
      maxBytes,
      maxWaitMs: waitMs,
      signal,
    })
    if (read.kind === 'replaced') return
    if (read.kind === 'outOfRange') position = read.range.end
    else {
      const newest = read.records.at(-1)
      if (newest && now() - newest.timestamp < staleMs) await store(options, place.partition, newest)
      position = read.next
    }
  }
}

async function store({ database }: ProbesOptions, partition: number, { key }: LogRecord): Promise<void> {
  await database.query({
    text: `INSERT INTO probes (partition, id, stored_at) VALUES ($1, $2, now())
ON CONFLICT (partition) DO UPDATE SET id = excluded.id, stored_at = excluded.stored_at`,
    values: [String(partition), key?.toString() ?? ''],
  })
}

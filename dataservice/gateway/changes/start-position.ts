/** From where somebody wants to follow the log. */
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { LogReader } from '#dataservice/platform/kafka/port.ts'
import { retryAfterSeconds } from '../answers.ts'
import { logName, readVector, type Vector } from './vector.ts'

/** Records that nobody can be told of any more. */
export interface Gap {
  partition: number
  /** The first of them; absent when the log was another one. */
  from?: bigint
  /** Where the log goes on. */
  to: bigint
}

export interface Start {
  /** Id of the topic. */
  topic: string
  vector: Vector
  gaps: readonly Gap[]
}

export interface StartPorts {
  log: Pick<LogReader, 'topic' | 'range'>
  /** By partition, the offset below which everything has its outcome; undefined when nobody can tell now. */
  stored(signal: AbortSignal): Promise<ReadonlyMap<number, bigint> | undefined>
}

/** `start`: with the oldest record that the log holds. `now`: behind what is stored now. Or where somebody stood. */
export type After = 'start' | 'now' | Vector

/** What a client writes. Throws a Problem when it is none of it. */
export function readAfter(text: string, parameter: string): After {
  if (text === 'start' || text === 'now') return text
  const vector = readVector(text)
  if (vector) return vector
  const message = 'must be start, now, or where an earlier answer ended, as it was told'
  throw new Problem('invalid-query', { errors: [{ parameter, message }] })
}

/** Rejects like the log, and with a Problem when the reader is away. */
export async function startOf(
  after: After,
  { log, stored }: StartPorts,
  signal: AbortSignal,
): Promise<Start> {
  const { id: topic, partitions } = await log.topic(signal)
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const name = logName(topic)
  const at = (next: ReadonlyMap<number, bigint>, gaps: readonly Gap[] = []): Start => ({
    topic,
    vector: { log: name, next },
    gaps,
  })
  if (after === 'now') {
    const known = (await stored(signal)) ?? readerAway()
    return at(new Map(all.map(partition => [partition, known.get(partition) ?? 0n])))
  }
  if (after !== 'start' && after.log === name)
    return at(new Map(all.map(partition => [partition, after.next.get(partition) ?? 0n])))
  const ranges = await Promise.all(all.map(partition => log.range(partition, signal)))
  const starts = ranges.map(({ start }, partition) => [partition, start] as const)
  const gaps = after === 'start' ? [] : starts.map(([partition, to]) => ({ partition, to }))
  return at(new Map(starts), gaps)
}

export function readerAway(): never {
  throw new Problem('reader-unavailable', { retryAfter: retryAfterSeconds })
}

/** A gap as it is told: positions, as a 202 spells them. */
export function gapJson({ partition, from, to }: Gap): object {
  return {
    ...(from === undefined ? {} : { from: `${partition}-${from}` }),
    to: `${partition}-${to}`,
  }
}

/** What a writer pod says at `/progress` of its work: the writer spells it, the operator reads it. */

export interface WriterProgress {
  /**
   * For each partition that the writer has: the offset before which every record is in Postgres, or was put aside there
   * as a dead letter. It moves only after a COMMIT.
   */
  stored: ReadonlyMap<number, bigint>
  /** Absent until it has had the same partitions for a while. */
  load?: WriterLoad
}

/** How a writer fared with its partitions over the last minute. */
export interface WriterLoad {
  /** Records that came into the log, and that were stored, in a second. */
  arrived: number
  storing: number
  /** Records that are not stored, and the age of the oldest of them in seconds. */
  waiting: number
  waitingSeconds: number
  /** Seconds that a transaction took on average; 0 without any. */
  commitSeconds: number
  /** The part of what it could do that it did, from 0 to 1. */
  busy: number
}

const figures = [
  'arrived',
  'storing',
  'waiting',
  'waitingSeconds',
  'commitSeconds',
  'busy',
] as const satisfies (keyof WriterLoad)[]

/** JSON; offsets are text, because a number would not hold all of them. */
export const progressText = ({ stored, load }: WriterProgress): string =>
  JSON.stringify({
    stored: Object.fromEntries([...stored].map(([partition, offset]) => [partition, String(offset)])),
    ...(load && { load }),
  })

/** Undefined for any other text. */
export function parseProgress(text: string): WriterProgress | undefined {
  const value = parsed(text)
  if (!isObject(value) || !isObject(value['stored'])) return undefined
  const stored = new Map<number, bigint>()
  for (const [partition, offset] of Object.entries(value['stored'])) {
    if (!/^\d{1,9}$/.test(partition) || typeof offset !== 'string' || !/^\d{1,19}$/.test(offset))
      return undefined
    stored.set(Number(partition), BigInt(offset))
  }
  const load = loadOf(value['load'])
  return { stored, ...(load && { load }) }
}

function loadOf(value: unknown): WriterLoad | undefined {
  if (!isObject(value)) return undefined
  const load: WriterLoad = {
    arrived: 0,
    storing: 0,
    waiting: 0,
    waitingSeconds: 0,
    commitSeconds: 0,
    busy: 0,
  }
  for (const figure of figures) {
    const number = value[figure]
    if (typeof number !== 'number' || !Number.isFinite(number) || number < 0) return undefined
    load[figure] = number
  }
  return load
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

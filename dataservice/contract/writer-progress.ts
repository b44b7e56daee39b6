/** What a writer pod says at `/progress` of what it has stored: the writer spells it, the operator reads it. */

export interface WriterProgress {
  /**
   * For each partition that the writer has: the offset before which every record is in Postgres, or was put aside there
   * as a dead letter. It moves only after a COMMIT.
   */
  stored: ReadonlyMap<number, bigint>
}

/** JSON; offsets are text, because a number would not hold all of them. */
export const progressText = ({ stored }: WriterProgress): string =>
  JSON.stringify({
    stored: Object.fromEntries([...stored].map(([partition, offset]) => [partition, String(offset)])),
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
  return { stored }
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

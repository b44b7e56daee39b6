/**
 * What a reader pod says at `/progress` of probe records, which go the whole way of a record: from the gateway through
 * the log and a writer into Postgres, and back through gateway and reader. The reader spells it, the operator reads it.
 */

/** The stations of the way, in order. */
export const hops = ['gateway', 'kafka', 'writer', 'postgres', 'reader'] as const
export type Hop = (typeof hops)[number]

export interface EndToEnd {
  /** Where the last probes got stuck; absent when they came through. */
  brokenAt?: Hop
  /** What was seen there, for people. */
  detail?: string
  /** Milliseconds from POST to GET of the quickest of the last probes; absent when another pod sent them. */
  quickestMs?: number
  /** How long ago the last one that came through was on its way, at most, in milliseconds. */
  passedAgoMs?: number
}

export const endToEndText = (told: EndToEnd): string => JSON.stringify({ endToEnd: told })

const longestDetail = 300

/** Undefined for any other text, and while nothing is known yet. */
export function parseEndToEnd(text: string): EndToEnd | undefined {
  const value = told(text)
  if (value === undefined) return undefined
  const { brokenAt, detail, quickestMs, passedAgoMs } = value
  const hop = hops.find(each => each === brokenAt)
  if (brokenAt !== undefined && hop === undefined) return undefined
  return {
    ...(hop && { brokenAt: hop }),
    ...(typeof detail === 'string' && { detail: detail.slice(0, longestDetail) }),
    ...(isTime(quickestMs) && { quickestMs }),
    ...(isTime(passedAgoMs) && { passedAgoMs }),
  }
}

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

function told(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && isObject(value['endToEnd']) ? value['endToEnd'] : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

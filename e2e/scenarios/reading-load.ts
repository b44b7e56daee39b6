/** Clients that read while something else happens: single records, pages, and writes that they have just seen. */
import { setTimeout as delay } from 'node:timers/promises'

/** One GET that was answered, or not. */
export interface Read {
  /** `record`, `page` or `token`. */
  kind: Kind
  /** HTTP status; 0 when no answer came. */
  status: number
  /** The beginning of an answer that is not 200, or why there was none. */
  said: string
  /** When it ended, in milliseconds of `Date.now()`. */
  at: number
  tookMs: number
}

const kinds = ['record', 'page', 'token'] as const
type Kind = (typeof kinds)[number]

export interface Subject {
  url: string
  /** Ids of records that are stored. */
  ids: readonly string[]
  /** The token of the newest write that was acknowledged. */
  newestToken: () => string | undefined
}

export interface ReadingLoad {
  /** All answers so far, oldest first. */
  readonly reads: readonly Read[]
  stop(): Promise<void>
}

const pauseMs = 40

/** One lane for each kind; each record is asked for once before any is asked for again, so that caches help little. */
export function startReading(subject: Subject): ReadingLoad {
  const reads: Read[] = []
  let wanted = true
  const lane = async (kind: Kind): Promise<void> => {
    for (let turn = 0; wanted; turn++) {
      reads.push(await readOnce(kind, turn, subject))
      await delay(pauseMs)
    }
  }
  const done = Promise.all(kinds.map(lane))
  done.catch(() => {}) // `stop` tells
  return {
    reads,
    stop: async () => {
      wanted = false
      await done
    },
  }
}

async function readOnce(kind: Kind, turn: number, { url, ids, newestToken }: Subject): Promise<Read> {
  const token = kind === 'token' ? newestToken() : undefined
  const path = kind === 'record' ? `/data/${ids[turn % ids.length]}` : '/data?limit=5'
  const began = Date.now()
  const ended = (status: number, said: string): Read => {
    const at = Date.now()
    return { kind, status, said: status === 200 ? '' : said.slice(0, 300), at, tookMs: at - began }
  }
  try {
    const headers: Record<string, string> = token === undefined ? {} : { 'consistency-token': token }
    const answer = await fetch(`${url}${path}`, { headers, signal: AbortSignal.timeout(20_000) })
    return ended(answer.status, await answer.text())
  } catch (error) {
    return ended(0, `${error} ${error instanceof Error ? String(error.cause) : ''}`)
  }
}

/** Clients that read while something else happens: single records, pages, and writes that they have just seen. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Write } from './ledger.ts'

/** One GET that was answered, or not. */
export interface Read {
  /** `token`: the record of the newest write, with the token of that write. */
  kind: Kind
  /** HTTP status; 0 when no answer came. */
  status: number
  /** Whether a 200 has the record that was asked for; a page is what it is. */
  isAsked: boolean
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
  newestWrite: () => Write
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

async function readOnce(kind: Kind, turn: number, subject: Subject): Promise<Read> {
  const { path, id, token } = questionOf(kind, turn, subject)
  const began = Date.now()
  const ended = (status: number, said: string): Read => {
    const at = Date.now()
    const isAsked = status === 200 && (id === undefined || said.startsWith(`{"id":"${id}"`))
    return { kind, status, isAsked, said: isAsked ? '' : said.slice(0, 300), at, tookMs: at - began }
  }
  try {
    const headers: Record<string, string> = token === undefined ? {} : { 'consistency-token': token }
    const answer = await fetch(`${subject.url}${path}`, { headers, signal: AbortSignal.timeout(20_000) })
    return ended(answer.status, await answer.text())
  } catch (error) {
    return ended(0, `${error} ${error instanceof Error ? String(error.cause) : ''}`)
  }
}

function questionOf(
  kind: Kind,
  turn: number,
  { ids, newestWrite }: Subject,
): { path: string; id?: string; token?: string } {
  if (kind === 'page') return { path: '/data?limit=5' }
  const asked = kind === 'token' ? newestWrite() : { id: ids[turn % ids.length] ?? '' }
  return { path: `/data/${asked.id}`, ...asked }
}

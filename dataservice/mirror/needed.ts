/** What a restore needs of all that there is, on the volume and in the store. Chosen as `restore.sh` chooses. Pure. */
import { type LogFile, stampOf } from './layout.ts'
import type { StoredCopy } from './retention.ts'

export interface Wish {
  /** Seconds since 1970; absent: the last that there is. */
  at?: number
  /** Name of a copy. */
  backup?: string
}

export interface Needed {
  copies: string[]
  isNeeded(log: LogFile): boolean
}

/** Undefined where nothing leads to that moment. */
export function needed(
  copies: readonly StoredCopy[],
  logs: readonly LogFile[],
  { at = Number.POSITIVE_INFINITY, backup }: Wish,
): Needed | undefined {
  if (backup !== undefined) {
    const wished = copies.find(({ name }) => name === backup)
    // It brings its own part of the log.
    return wished && { copies: [backup], isNeeded: log => isHistory(log, wished.system) }
  }
  const history = logs
    .flatMap(({ system, folder }) => (folder === undefined ? [] : [{ system, ...folder }]))
    .filter(({ since }) => since <= at)
    .reduce<{ system: string; timeline: string; since: number } | undefined>(
      (newest, each) => (newest === undefined || each.since > newest.since ? each : newest),
      undefined,
    )
  if (history === undefined) return undefined
  const latest = at === Number.POSITIVE_INFINITY ? undefined : stampOf(at)
  const candidates = copies
    .filter(({ name, system }) => system === history.system && (latest === undefined || name <= latest))
    .toSorted((a, b) => (a.name < b.name ? 1 : -1))
  const own = candidates.find(({ timeline }) => timeline === history.timeline)
  // Where the history has none of its own yet, it is not known which of the earlier ones leads to it.
  const chosen = own === undefined ? candidates : [own]
  const first = chosen.map(each => each.first.slice(8)).sort()[0]
  if (first === undefined) return undefined
  return {
    copies: chosen.map(({ name }) => name),
    isNeeded: log =>
      isHistory(log, history.system) ||
      (log.system === history.system &&
        (log.folder?.since ?? 0) <= at &&
        log.position !== undefined &&
        log.position >= first),
  }
}

const isHistory = ({ system, position }: LogFile, of: string): boolean =>
  system === of && position === undefined

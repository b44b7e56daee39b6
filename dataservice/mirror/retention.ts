/** What of the store is older than has to be kept: the same as on the volume, found from the store alone. Pure. */
import { type About, type LogFile, secondsOf, stampOf } from './layout.ts'

export interface StoredCopy extends About {
  name: string
}

export interface TooOld {
  /** Names of copies. */
  copies: string[]
  /** Paths of files of the log. */
  logs: string[]
}

/**
 * The newest copy from before the time that has to be kept is where a restore to its beginning starts; so the last copy
 * always stays. That time ends with the newest copy: a clock that goes wrong removes nothing, and the volume, which was
 * looked at a little later, has nothing that is too old here.
 */
export function tooOld(
  stored: readonly StoredCopy[],
  logs: readonly LogFile[],
  retainSeconds: number,
): TooOld {
  const copies = stored.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const newest = copies.at(-1)
  if (newest === undefined) return { copies: [], logs: [] }
  const cutoff = stampOf(secondsOf(newest.name) - retainSeconds)
  const start = Math.max(
    0,
    copies.findLastIndex(({ name }) => name <= cutoff),
  )
  const oldest = copies[start] ?? newest
  const ended = endedBefore(logs, oldest.name)
  return {
    copies: copies.slice(0, start).map(({ name }) => name),
    logs: logs.filter(log => isPast(log, oldest) || ended(log)).map(({ path }) => path),
  }
}

/**
 * Places are compared only in folders that had begun when that copy was made. What began later is needed whole: the log
 * goes back to an earlier place with each restore to an earlier moment.
 */
const isPast = ({ system, folder, position }: LogFile, oldest: StoredCopy): boolean =>
  system === oldest.system &&
  folder !== undefined &&
  stampOf(folder.since) < oldest.name &&
  position !== undefined &&
  position < oldest.first.slice(8)

/** Folders that were over before that moment: another one of the same system had begun by then. */
function endedBefore(logs: readonly LogFile[], moment: string): (log: LogFile) => boolean {
  const latest = new Map<string, number>()
  for (const { system, folder } of logs) {
    if (folder === undefined || stampOf(folder.since) >= moment) continue
    latest.set(system, Math.max(folder.since, latest.get(system) ?? 0))
  }
  return ({ system, folder }) => folder !== undefined && folder.since < (latest.get(system) ?? 0)
}

/**
 * Where everything stands. In the store, below the prefix:
 *
 * - `archive.json`: whose archive it is (`identity.ts`)
 * - `copies/TIME/FILE.NNNNN`: parts of a file of a whole copy, in their order
 * - `copies/TIME/complete.json`: written last; without it the copy does not count
 * - `wal/SYSTEM/TIMELINE.SECONDS/FILE.gz`: what Postgres wrote, one object for each segment
 * - `reached.json`: how far the writers were
 *
 * The volume has the same as `operator/desired/backup/scripts.ts` makes it. Pure.
 */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'

export const markKey = 'archive.json'
export const reachedKey = 'reached.json'
export const copiesFolder = 'copies/'
export const logsFolder = 'wal/'

/** Bytes of a part. */
export const partBytes = 8 * 1024 * 1024
/** Of the write-ahead log, as it stands on the volume. */
export const segmentBytes = 16 * 1024 * 1024

export const partKey = (copy: string, file: string, part: number): string =>
  `${copiesFolder}${copy}/${file}.${String(part).padStart(5, '0')}`
export const completeKey = (copy: string): string => `${copiesFolder}${copy}/complete.json`

/** The copy that a key belongs to. */
export const copyOf = (key: string): string | undefined => /^copies\/(\d{8}T\d{6}Z)\//.exec(key)?.[1]

/** As the name of a copy. */
export const stampOf = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')

/** Of the name of a copy, in seconds since 1970. */
export const secondsOf = (stamp: string): number =>
  Date.parse(stamp.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z')) / 1000

const CompleteCopy = Type.Object({
  /** Its file `about`. */
  about: Type.String(),
  files: Type.Array(
    Type.Object({
      name: Type.String({ pattern: '^[A-Za-z0-9_.]{1,100}$' }),
      size: Type.Integer({ minimum: 0 }),
      /** SHA-256 of each part, in hex. */
      parts: Type.Array(Type.String()),
    }),
  ),
})
export type CompleteCopy = Static<typeof CompleteCopy>

/** Undefined for anything else. */
export function parseComplete(text: string): CompleteCopy | undefined {
  const value: unknown = JSON.parse(text)
  return Value.Check(CompleteCopy, value) ? value : undefined
}

/** What the script that made a copy says of it. */
export interface About {
  system: string
  timeline: string
  /** The first segment that a restore needs. */
  first: string
}

export function parseAbout(text: string): About {
  const [system = '', timeline = '', first = ''] = text.trim().split(' ')
  return { system, timeline, first }
}

/** A file of the write-ahead log, by its path below `wal/`. */
export interface LogFile {
  path: string
  system: string
  /** Absent: it belongs to all histories of that system. */
  folder?: { name: string; timeline: string; since: number }
  /** Of a segment: its place in the log, whatever the timeline. */
  position?: string
  isPartial: boolean
}

const logPath = /^(\d+)\/(?:((\d+)\.(\d+))\/)?([0-9A-F]{8}\.history|[0-9A-F]{24}(\.partial)?)$/

/** Undefined for what is no file of the log. */
export function logFile(path: string): LogFile | undefined {
  const [, system, name, timeline, since, file, partial] = logPath.exec(path) ?? []
  if (system === undefined || file === undefined) return undefined
  return {
    path,
    system,
    ...(name !== undefined && { folder: { name, timeline: timeline ?? '', since: Number(since) } }),
    ...(!file.endsWith('.history') && { position: file.slice(8, 24) }),
    isPartial: partial !== undefined,
  }
}

export const logKey = (path: string): string => `${logsFolder}${path}.gz`
export const logOfKey = (key: string): LogFile | undefined =>
  logFile(key.slice(logsFolder.length).replace(/\.gz$/, ''))

/** Brings the write-ahead log to the store as it is archived. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { ObjectStore } from '#dataservice/platform/objects/port.ts'
import { type LogFile, logKey, logsFolder, reachedKey } from './layout.ts'
import type { Volume } from './volume.ts'

export interface LogUploads {
  /** `hurry`: what grows now, too, although it went a moment ago. */
  round(hurry?: boolean): Promise<void>
  /** Files that were not brought yet when the last round looked. */
  waiting(): number
}

interface Ports {
  store: ObjectStore
  volume: Volume
  /** Milliseconds of a clock that nobody sets. */
  now: () => number
  sent: (bytes: number) => void
}

/** How often a segment goes that grows still: what can be lost with the volume is what was written since. */
export const growingEveryMs = 60_000

/** Mostly zeros, as long as it grows; the whole segment is in memory. */
const packed = promisify(gzip)
const level = 1

type Pack = (content: Buffer) => Promise<Buffer>

const gzipped: Pack = content => packed(content, { level })
const asIs: Pack = async content => content

/** Brings one file of the volume to the store. */
function sender({ store, volume, sent }: Omit<Ports, 'now'>) {
  /** Versions of files that change, as they were sent. */
  const versions = new Map<string, string>()
  const send = async (key: string, path: string, pack: Pack) => {
    const content = await volume.read(path)
    if (content === undefined) return // it has got its last name, or was removed, meanwhile
    const body = await pack(content)
    await store.put(key, body)
    sent(body.length)
  }
  return {
    send,
    async sendChanged(key: string, path: string, pack: Pack) {
      const version = await volume.version(path)
      if (version === undefined || versions.get(path) === version) return
      await send(key, path, pack)
      versions.set(path, version)
    },
  }
}

export function logUploads(ports: Ports): LogUploads {
  const { store, volume, now } = ports
  const { send, sendChanged } = sender(ports)
  /** Keys in the store. */
  let stored: Set<string> | undefined
  let grownAt = Number.NEGATIVE_INFINITY
  let waiting = 0

  const bring = async (log: LogFile, known: Set<string>) => {
    const key = logKey(log.path)
    await send(key, `wal/${log.path}`, gzipped)
    known.add(key)
    const grown = logKey(`${log.path}.partial`)
    if (known.delete(grown)) await store.remove(grown)
  }

  return {
    waiting: () => waiting,
    async round(hurry = false) {
      stored ??= new Set((await store.list(logsFolder)).map(({ key }) => key))
      const known = stored
      const logs = await volume.logs()
      const missing = logs.filter(({ path, isPartial }) => !isPartial && !known.has(logKey(path)))
      waiting = missing.length
      for (const log of missing) {
        await bring(log, known)
        waiting -= 1
      }
      if (!hurry && now() - grownAt < growingEveryMs) return
      for (const { path } of logs.filter(({ isPartial }) => isPartial)) {
        await sendChanged(logKey(path), `wal/${path}`, gzipped)
        known.add(logKey(path))
      }
      await sendChanged(reachedKey, 'reached', asIs)
      grownAt = now()
    },
  }
}

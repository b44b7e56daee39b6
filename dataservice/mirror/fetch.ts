/** Brings back from the store what a restore needs and the volume of backups lacks. May run any number of times. */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Logger } from 'pino'
import type { MirrorSettings } from '#dataservice/contract/mirror.ts'
import { type ObjectStore, StoreFailure } from '#dataservice/platform/objects/port.ts'
import { aboutStored, sha256, storedCopies } from './copy-uploads.ts'
import { readable } from './holding.ts'
import {
  type CompleteCopy,
  type LogFile,
  logKey,
  logOfKey,
  logsFolder,
  partKey,
  reachedKey,
  segmentBytes,
} from './layout.ts'
import { needed, type Wish } from './needed.ts'
import type { Volume } from './volume.ts'

interface Ports {
  store: ObjectStore
  volume: Volume
  settings: MirrorSettings
  log: Logger
}

/** Nothing but another wish or another volume mends it. */
export class FetchRefused extends Error {}

/**
 * A store that cannot be asked matters only where the volume has no copy of its own for that moment: whoever has all on
 * the volume restores from there.
 */
export async function fetchNeeded(ports: Ports, wish: Wish): Promise<void> {
  const { volume, log } = ports
  const onVolume = { copies: await volume.copies(), logs: await volume.logs() }
  try {
    const archive = await readable(ports)
    if (archive instanceof StoreFailure) throw archive
    if (archive === undefined) log.info('the store holds no archive yet')
    else await bringMissing(ports, wish, onVolume)
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error
    if (needed(onVolume.copies, onVolume.logs, wish) === undefined) {
      if (error.reason === 'StoreForeign') throw new FetchRefused(error.message)
      throw error
    }
    log.warn(`what the volume of backups has must do: ${error.message}`)
  }
}

type Found = { copies: Awaited<ReturnType<Volume['copies']>>; logs: LogFile[] }

async function bringMissing(ports: Ports, wish: Wish, onVolume: Found): Promise<void> {
  const { store, volume, log } = ports
  const copies = await storedCopies(store)
  const logs = (await store.list(logsFolder)).flatMap(({ key }) => logOfKey(key) ?? [])
  const wanted = needed(
    [...onVolume.copies, ...aboutStored(copies).filter(({ name }) => !has(onVolume.copies, name))],
    [...onVolume.logs, ...logs],
    wish,
  )
  if (wanted === undefined) return // the restore says so itself, and what there is
  const missingCopies = wanted.copies.filter(name => !has(onVolume.copies, name))
  const present = new Set(onVolume.logs.map(({ path }) => path))
  const missingLogs = logs.filter(
    each => wanted.isNeeded(each) && !present.has(each.path) && !(each.isPartial && isThere(each, present)),
  )
  await refuseWithoutRoom(volume, bytesOf(missingCopies, copies) + missingLogs.length * segmentBytes)
  log.info({ copies: missingCopies, files: missingLogs.length }, 'fetching from the store')
  for (const name of missingCopies) {
    const copy = copies.get(name)
    if (copy !== undefined) await fetchCopy(ports, name, copy)
  }
  for (const each of missingLogs) await fetchLog(ports, each)
  const reached = await store.get(reachedKey)
  if (reached !== undefined && (await volume.version('reached')) === undefined)
    await volume.write('reached', reached)
}

const has = (copies: Found['copies'], name: string): boolean => copies.some(each => each.name === name)

/** What grew when it was sent is whole on the volume. */
const isThere = ({ path }: LogFile, present: ReadonlySet<string>): boolean =>
  present.has(path.replace(/\.partial$/, ''))

const bytesOf = (names: readonly string[], copies: ReadonlyMap<string, CompleteCopy>): number =>
  names.flatMap(name => copies.get(name)?.files ?? []).reduce((total, { size }) => total + size, 0)

async function refuseWithoutRoom(volume: Volume, bytes: number): Promise<void> {
  const free = await volume.freeBytes()
  if (bytes > free)
    throw new FetchRefused(
      `the volume of backups has ${free} bytes left, and what has to come from the store takes ${bytes}: raise ` +
        'spec.backup.volume.size',
    )
}

/** It gets its name when it is whole. */
async function fetchCopy({ store, volume }: Ports, name: string, { files }: CompleteCopy): Promise<void> {
  const folder = 'fetching'
  await volume.remove(folder)
  for (const file of files) {
    for (const [index, hash] of file.parts.entries()) {
      const key = partKey(name, file.name, index)
      const part = await store.get(key)
      if (part === undefined || sha256(part) !== hash)
        throw new FetchRefused(
          `copy ${name} in the store is damaged: ${key} is ${part === undefined ? 'not there' : 'not what was sent'}`,
        )
      await volume.append(`${folder}/${file.name}`, part)
    }
  }
  await volume.move(folder, `base/${name}`)
}

const unpacked = promisify(gunzip)

async function fetchLog({ store, volume }: Ports, { path }: LogFile): Promise<void> {
  const content = await store.get(logKey(path))
  if (content !== undefined) await volume.write(`wal/${path}`, await unpacked(content))
}

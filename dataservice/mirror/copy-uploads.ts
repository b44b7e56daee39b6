/** Brings whole copies to the store, and removes there what is older than has to be kept. */
import { createHash } from 'node:crypto'
import type { ObjectStore } from '#dataservice/platform/objects/port.ts'
import {
  type CompleteCopy,
  completeKey,
  copiesFolder,
  copyOf,
  logKey,
  logOfKey,
  logsFolder,
  parseAbout,
  parseComplete,
  partKey,
} from './layout.ts'
import { type StoredCopy, tooOld } from './retention.ts'
import type { Volume } from './volume.ts'

export interface CopyUploads {
  round(): Promise<void>
  /** Name of the newest copy in the store; undefined while there is none, or it is not known yet. */
  newest(): string | undefined
}

interface Ports {
  store: ObjectStore
  volume: Volume
  retainSeconds: number
  sent: (bytes: number) => void
}

export const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

/** All copies of a store that count. */
export async function storedCopies(store: ObjectStore): Promise<Map<string, CompleteCopy>> {
  const found = new Map<string, CompleteCopy>()
  for (const { key } of await store.list(copiesFolder)) {
    const name = copyOf(key)
    if (name === undefined || key !== completeKey(name)) continue
    const text = await store.get(key)
    const copy = text && parseComplete(text.toString())
    if (copy !== undefined) found.set(name, copy)
  }
  return found
}

export const aboutStored = (copies: ReadonlyMap<string, CompleteCopy>): StoredCopy[] =>
  [...copies].map(([name, { about }]) => ({ name, ...parseAbout(about) }))

export function copyUploads(ports: Ports): CopyUploads {
  const { store, volume, retainSeconds } = ports
  let stored: Map<string, CompleteCopy> | undefined
  return {
    newest: () => [...(stored?.keys() ?? [])].sort().at(-1),
    async round() {
      stored ??= await storedCopies(store)
      const known = stored
      const onVolume = await volume.copies()
      const missing = onVolume.map(({ name }) => name).filter(name => !known.has(name))
      // Where less is to be kept than before, the volume has some longer than the store.
      const old = tooOld([...aboutStored(known), ...onVolume], [], retainSeconds).copies
      let isNew = false
      for (const name of missing
        .filter(each => !old.includes(each))
        .sort()
        .reverse()) {
        const copy = await bring(ports, name)
        if (copy === undefined) continue
        await store.put(completeKey(name), Buffer.from(JSON.stringify(copy)))
        known.set(name, copy)
        isNew = true
      }
      if (isNew) await removeOld(ports, known, missing)
    },
  }
}

/** Answers undefined when the volume has the copy no more. */
async function bring(ports: Ports, copy: string): Promise<CompleteCopy | undefined> {
  const { store, volume } = ports
  const found = await volume.filesOf(`base/${copy}`)
  const about = await volume.read(`base/${copy}/about`)
  if (found === undefined || about === undefined) return undefined
  const sizes = (await store.list(`${copiesFolder}${copy}/`)).map(({ key, size }) => [key, size] as const)
  const present = new Map(sizes)
  const files: CompleteCopy['files'] = []
  for (const { name, size } of found)
    files.push({ name, size, parts: await bringFile(ports, { copy, file: name, present }) })
  return { about: about.toString(), files }
}

interface OneFile {
  copy: string
  file: string
  /** Sizes of what stands in the store. */
  present: ReadonlyMap<string, number>
}

/** What was sent before a kill is not sent again. Answers the SHA-256 of each part. */
async function bringFile(
  { store, volume, sent }: Ports,
  { copy, file, present }: OneFile,
): Promise<string[]> {
  const parts: string[] = []
  for await (const part of volume.parts(`base/${copy}/${file}`)) {
    const key = partKey(copy, file, parts.length)
    if (present.get(key) !== part.length) {
      await store.put(key, part)
      sent(part.length)
    }
    parts.push(sha256(part))
  }
  return parts
}

/** Also parts of copies that are not complete, and will not be; `coming` are those that will. */
async function removeOld(
  { store, retainSeconds }: Ports,
  copies: Map<string, CompleteCopy>,
  coming: readonly string[],
): Promise<void> {
  const logs = (await store.list(logsFolder)).flatMap(({ key }) => logOfKey(key) ?? [])
  const old = tooOld(aboutStored(copies), logs, retainSeconds)
  for (const name of old.copies) {
    await store.remove(completeKey(name)) // first, so that no half of it counts
    copies.delete(name)
  }
  for (const { key } of await store.list(copiesFolder)) {
    const name = copyOf(key)
    if (name !== undefined && !copies.has(name) && !coming.includes(name)) await store.remove(key)
  }
  for (const path of old.logs) await store.remove(logKey(path))
}

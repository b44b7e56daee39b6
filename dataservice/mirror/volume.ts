/** The volume of backups, as the pods see it that make and keep them. */
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type LogFile, logFile, parseAbout, partBytes } from './layout.ts'
import type { StoredCopy } from './retention.ts'

export interface Volume {
  copies(): Promise<StoredCopy[]>
  /** In the order in which they were written. */
  logs(): Promise<LogFile[]>
  /** Undefined where there is no such file, any more. */
  read(path: string): Promise<Buffer | undefined>
  /** Changes whenever the file does; undefined where there is none. */
  version(path: string): Promise<string | undefined>
  /** Whole or not at all. */
  write(path: string, content: Uint8Array | string): Promise<void>
  /** Files of a folder with their sizes; undefined where there is none. */
  filesOf(folder: string): Promise<{ name: string; size: number }[] | undefined>
  /** Parts of a file in one buffer, which each next one overwrites. */
  parts(path: string): AsyncGenerator<Buffer>
  append(path: string, content: Uint8Array): Promise<void>
  move(from: string, to: string): Promise<void>
  remove(folder: string): Promise<void>
  freeBytes(): Promise<number>
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** The answer, or undefined when what was asked for is not there. */
async function ifThere<Answer>(work: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await work
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export function volumeAt(root: string): Volume {
  const at = (path: string): string => join(root, path)
  const read = (path: string) => ifThere(readFile(at(path)))
  return {
    read,
    copies: async () => {
      const names = (await ifThere(readdir(at('base')))) ?? []
      const abouts = names
        .filter(name => name.endsWith('Z'))
        .map(async name => ({ name, about: await read(`base/${name}/about`) }))
      const found = await Promise.all(abouts)
      return found.flatMap(({ name, about }) =>
        about === undefined ? [] : [{ name, ...parseAbout(about.toString()) }],
      )
    },
    logs: rememberedLogs(at('wal')),
    version: async path => {
      const found = await ifThere(stat(at(path)))
      return found && `${found.size} ${found.mtimeMs}`
    },
    write: async (path, content) => {
      await mkdir(dirname(at(path)), { recursive: true })
      await writeFile(at(`${path}.new`), content)
      await rename(at(`${path}.new`), at(path))
    },
    filesOf: async folder => {
      const names = await ifThere(readdir(at(folder)))
      const sizes = names?.map(async name => ({ name, size: (await stat(at(join(folder, name)))).size }))
      return sizes && ifThere(Promise.all(sizes))
    },
    parts: path => partsOf(at(path)),
    append: async (path, content) => {
      await mkdir(dirname(at(path)), { recursive: true })
      await writeFile(at(path), content, { flag: 'a' })
    },
    move: async (from, to) => {
      await mkdir(dirname(at(to)), { recursive: true })
      await rename(at(from), at(to))
    },
    remove: folder => rm(at(folder), { recursive: true, force: true }),
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(root)
      return bavail * bsize
    },
  }
}

/** A folder changes once for each segment, and there may be many thousand in it. */
const settledMs = 1_000

/** Reads folders anew only when they have changed. */
function rememberedLogs(root: string): () => Promise<LogFile[]> {
  const known = new Map<string, { changedAt: number; names: string[] }>()
  const namesIn = async (folder: string): Promise<string[]> => {
    const path = join(root, folder)
    const found = await ifThere(stat(path))
    if (!found?.isDirectory()) return []
    const { mtimeMs: changedAt } = found
    const before = known.get(folder)
    if (before?.changedAt === changedAt) return before.names
    const names = ((await ifThere(readdir(path))) ?? []).sort().map(name => join(folder, name))
    // Clocks of file systems tick slowly: what comes a moment later may leave no trace.
    if (Date.now() - changedAt > settledMs) known.set(folder, { changedAt, names })
    return names
  }
  const inAll = async (folders: readonly string[]): Promise<string[]> =>
    (await Promise.all(folders.map(namesIn))).flat()
  return async () => {
    const below = await inAll(await namesIn('.'))
    const isFile = (path: string): boolean => logFile(path) !== undefined
    const files = [...below.filter(isFile), ...(await inAll(below.filter(path => !isFile(path))))]
    return files.flatMap(path => logFile(path) ?? [])
  }
}

async function* partsOf(path: string): AsyncGenerator<Buffer> {
  const file = await open(path)
  try {
    const buffer = Buffer.allocUnsafe(partBytes)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, partBytes)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** A Secret that the kubelet mounts as a folder and keeps up to date. */
import { existsSync } from 'node:fs'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'

/** The link that the kubelet turns to a new folder when the Secret has changed, all files at once. */
const current = '..data'

/** Where the entries stand: behind that link, or in the folder itself when nobody mounted it. */
export function currentFolder(folder: string): string {
  const link = join(folder, current)
  return existsSync(link) ? link : folder
}

/** All entries by name, of one moment. Rejects when the folder cannot be read. */
export async function readMountedSecret(folder: string): Promise<ReadonlyMap<string, string>> {
  const of = await realpath(join(folder, current)).catch(() => folder)
  const found = await readdir(of, { withFileTypes: true })
  const names = found.filter(entry => !entry.isDirectory() && !entry.name.startsWith('..'))
  const texts = names.map(async ({ name }) => [name, await readFile(join(of, name), 'utf8')] as const)
  return new Map(await Promise.all(texts))
}

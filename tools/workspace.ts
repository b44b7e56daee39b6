/** Where things lie: the checkout, and the cache outside it that every command shares. */
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root folder of this checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * A folder of the cache (made when missing). What lies there is keyed by version or content,
 * so that it can be deleted at any time and is never stale.
 * `DATASERVICE_CACHE` moves it; otherwise it follows the XDG convention.
 */
export function cacheFolder(...segments: string[]): string {
  const base =
    process.env['DATASERVICE_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'dataservice-operator')
  const folder = join(base, ...segments)
  mkdirSync(folder, { recursive: true })
  return folder
}

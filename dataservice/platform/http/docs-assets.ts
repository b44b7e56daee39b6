/** The files of the page `/docs`: where they lie, and their bytes for an answer. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** The files by name, each with its content type. */
export const docsAssets = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
} as const
export type DocsAsset = keyof typeof docsAssets

/** Beside the bundle in the image, else in the package. Throws when neither is there. */
export function docsFolder(): string {
  const beside = join(import.meta.dirname, 'docs')
  if (existsSync(beside)) return beside
  return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
}

export interface Asset {
  type: string
  /** Strong entity tag, with its quotes. */
  etag: string
  plain: Buffer
  gzip: Buffer
}

/** Reads files when they are first asked for and keeps them. */
export function assetReader(folder: string): (name: DocsAsset) => Promise<Asset> {
  const known = new Map<DocsAsset, Promise<Asset>>()
  return name => {
    const found = known.get(name) ?? readAsset(folder, name)
    known.set(name, found)
    found.catch(() => known.delete(name))
    return found
  }
}

async function readAsset(folder: string, name: DocsAsset): Promise<Asset> {
  const plain = await readFile(join(folder, name))
  return { type: docsAssets[name], plain, ...(await packed(plain)) }
}

/** What makes bytes fit for an answer: their tag, and their short form. */
export async function packed(plain: Buffer): Promise<Pick<Asset, 'etag' | 'gzip'>> {
  const hash = createHash('sha256').update(plain).digest('base64url').slice(0, 22)
  return { etag: `"${hash}"`, gzip: await promisify(gzip)(plain) }
}

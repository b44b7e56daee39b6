/** Bundles each program with all it imports, so that an image needs Node and nothing else. */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { docsAssets, docsFolder } from '#dataservice/platform/http/docs-assets.ts'
import { root } from './workspace.ts'

/** A file of `dist`. */
export interface BundleFile {
  path: string
  content: Uint8Array
}

const entryPoints = {
  operator: 'operator/main.ts',
  dataservice: 'dataservice/main.ts',
  mirror: 'dataservice/mirror/main.ts',
} as const

/** CommonJS packages inside an ES module expect these three. */
const banner = `import { createRequire as $createRequire } from 'node:module'
import { fileURLToPath as $fileURLToPath } from 'node:url'
const require = $createRequire(import.meta.url)
const __filename = $fileURLToPath(import.meta.url)
const __dirname = $fileURLToPath(new URL('.', import.meta.url))`

/** A package that reads a file beside itself has none in a bundle; this one also comes with the file inside. */
const alias = { '@platformatic/wasm-utils': '@platformatic/wasm-utils/bundled' }

/**
 * Writes `dist/operator.mjs`, `dist/dataservice.mjs`, `dist/mirror.mjs` and the chunks that they load, all beside each other; the same
 * sources give the same bytes. Rejects with esbuild's messages when a source does not compile or an import is not found.
 */
export async function makeBundles(): Promise<readonly BundleFile[]> {
  const files = await bundlesOf(entryPoints, join(root, 'dist'))
  await keepOnly(files)
  return files
}

/** Of any programs, as they are shipped; nothing is written. `folder`: where they are going to stand. */
export async function bundlesOf(
  programs: Readonly<Record<string, string>>,
  folder: string,
): Promise<BundleFile[]> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: programs,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    write: false,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    keepNames: true,
    lineLimit: 200, // Node prints the line of an uncaught error: not a megabyte of it
    alias,
    banner: { js: banner },
    logLevel: 'error',
  })
  return outputFiles
    .map(({ path, contents: content }) => ({ path, content }))
    .sort((left, right) => (left.path < right.path ? -1 : 1))
}

async function keepOnly(files: readonly BundleFile[]): Promise<void> {
  const folder = join(root, 'dist')
  await mkdir(folder, { recursive: true })
  await Promise.all(files.map(({ path, content }) => writeFile(path, content)))
  const names = new Set(files.map(({ path }) => basename(path)))
  const old = (await readdir(folder)).filter(name => name.endsWith('.mjs') && !names.has(name))
  await Promise.all(old.map(name => rm(join(folder, name), { force: true })))
}

/** Copies what the page `/docs` needs to `dist/docs`, beside the bundle; answers the contents. */
export async function copyDocs(): Promise<readonly Buffer[]> {
  const target = join(root, 'dist', 'docs')
  await mkdir(target, { recursive: true })
  const names = [...Object.keys(docsAssets), ...docsLicences]
  return Promise.all(
    names.map(async name => {
      await copyFile(join(docsFolder(), name), join(target, name))
      return readFile(join(target, name))
    }),
  )
}

/** They ask to go where the page goes. */
const docsLicences = ['LICENSE', 'NOTICE', 'swagger-ui-bundle.js.LICENSE.txt']

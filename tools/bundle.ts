/** Bundles each entry point with all it imports into one file, so that an image needs Node and nothing else. */
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { docsAssets, docsFolder } from '#dataservice/platform/http/docs-assets.ts'
import { root } from './workspace.ts'

export interface Bundle {
  name: 'operator' | 'dataservice'
  path: string
  content: Buffer
}

const entryPoints = { operator: 'operator/main.ts', dataservice: 'dataservice/main.ts' } as const

/** CommonJS packages inside an ES module expect these three. */
const banner = `import { createRequire as $createRequire } from 'node:module'
import { fileURLToPath as $fileURLToPath } from 'node:url'
const require = $createRequire(import.meta.url)
const __filename = $fileURLToPath(import.meta.url)
const __dirname = $fileURLToPath(new URL('.', import.meta.url))`

/** A package that reads a file beside itself has none in a bundle; this one also comes with the file inside. */
const alias = { '@platformatic/wasm-utils': '@platformatic/wasm-utils/bundled' }

/**
 * Writes `dist/operator.mjs` and `dist/dataservice.mjs`; the same sources give the same bytes.
 * Rejects with esbuild's messages when a source does not compile or an import is not found.
 */
export async function makeBundles(): Promise<readonly Bundle[]> {
  return Promise.all([bundle('operator'), bundle('dataservice')])
}

async function bundle(name: Bundle['name']): Promise<Bundle> {
  const path = join(root, 'dist', `${name}.mjs`)
  await build({
    absWorkingDir: root,
    entryPoints: [entryPoints[name]],
    outfile: path,
    bundle: true,
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
  return { name, path, content: await readFile(path) }
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

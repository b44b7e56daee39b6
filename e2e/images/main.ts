/** `npm run images`: makes the images and lists them; `-- --compressed` also says their size as a registry stores them. */
import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Image } from './image.ts'
import { ensureImages } from './images.ts'

const megabyte = 1_000_000

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { compressed: { type: 'boolean', default: false } } })
  for (const image of await ensureImages()) console.log(await line(image, values.compressed))
}

async function line(image: Image, compressed: boolean): Promise<string> {
  const { size } = await stat(image.archive)
  const gzip = compressed ? `, ${inMegabytes(await gzipSize(image.archive))} gzip` : ''
  return `${image.reference.padEnd(40)} ${inMegabytes(size)}${gzip}  ${image.archive}`
}

async function gzipSize(file: string): Promise<number> {
  const gzip = spawn('gzip', ['--stdout', file], { stdio: ['ignore', 'pipe', 'inherit'] })
  let size = 0
  for await (const chunk of gzip.stdout) size += Buffer.byteLength(chunk)
  return size
}

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / megabyte)} MB`
}

await main()

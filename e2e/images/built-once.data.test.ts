import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { builtOnce, keepNewest } from './built-once.ts'

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'built-once-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

test('two that want the same thing at once get one build', async () => {
  const folder = await emptyFolder()
  let builds = 0
  const build = async (path: string) => writeFile(path, `build ${++builds}`)
  const paths = await Promise.all([builtOnce(folder, 'thing', build), builtOnce(folder, 'thing', build)])
  expect(new Set(paths)).toEqual(new Set([join(folder, 'thing')]))
  expect(await readFile(join(folder, 'thing'), 'utf8')).toBe('build 1')
})

test('a build that failed half-way is not taken for the thing, and the next build starts afresh', async () => {
  const folder = await emptyFolder()
  const halfBuilt = async (path: string) => {
    await mkdir(path)
    await writeFile(join(path, 'half'), '')
    throw new Error('power cut')
  }
  await expect(builtOnce(folder, 'thing', halfBuilt)).rejects.toThrow('power cut')
  expect(existsSync(join(folder, 'thing'))).toBe(false)
  await mkdir(join(folder, '.thing.1')) // what a process that was killed leaves
  await builtOnce(folder, 'thing', path => mkdir(path).then(() => {}))
  expect(await readdir(join(folder, 'thing'))).toEqual([])
  expect((await readdir(folder)).sort()).toEqual(['thing', 'thing.lock'])
})

test('the newest files stay, with whatever has another name', async () => {
  const folder = await emptyFolder()
  for (const [index, name] of ['image-c', 'image-a', 'image-b', 'other'].entries()) {
    await writeFile(join(folder, name), '')
    await writeFile(join(folder, `${name}.lock`), '')
    await utimes(join(folder, name), index, index)
  }
  await keepNewest(folder, 'image-', 2)
  const files = (await readdir(folder)).filter(name => !name.endsWith('.lock'))
  expect(files.sort()).toEqual(['image-a', 'image-b', 'other'])
  expect(await readdir(folder)).toHaveLength(6)
})

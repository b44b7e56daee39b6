/** Things that are built once and then found again, by any process: whole or not at all. */
import { existsSync } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock } from '#tools/lock.ts'

/**
 * The path of `name` in `folder`; `build` makes it when it is not there. It is built under another name
 * and renamed at the end, so what a crash left is never taken for the whole, and is removed by the next build.
 * Two processes that want the same thing wait for each other.
 */
export async function builtOnce(
  folder: string,
  name: string,
  build: (unfinished: string) => Promise<void>,
): Promise<string> {
  const path = join(folder, name)
  if (existsSync(path)) return path
  return withLock(`${path}.lock`, async () => {
    if (existsSync(path)) return path
    await removeLeftovers(folder, name)
    const unfinished = join(folder, `.${name}.${process.pid}`)
    await build(unfinished)
    await rename(unfinished, path)
    return path
  })
}

/** Removes all but the `count` newest files of `folder` whose names begin with `prefix`, with their locks. */
export async function keepNewest(folder: string, prefix: string, count: number): Promise<void> {
  const names = (await readdir(folder)).filter(name => name.startsWith(prefix) && !name.endsWith('.lock'))
  const aged = await Promise.all(
    names.map(async name => ({ name, time: (await stat(join(folder, name))).mtimeMs })),
  )
  const old = aged.sort((a, b) => b.time - a.time).slice(count)
  const paths = old.flatMap(({ name }) => [join(folder, name), join(folder, `${name}.lock`)])
  await Promise.all(paths.map(path => rm(path, { force: true })))
}

async function removeLeftovers(folder: string, name: string): Promise<void> {
  const leftovers = (await readdir(folder)).filter(entry => entry.startsWith(`.${name}.`))
  await Promise.all(leftovers.map(entry => rm(join(folder, entry), { recursive: true, force: true })))
}

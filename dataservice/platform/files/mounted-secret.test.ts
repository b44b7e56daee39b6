import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readMountedSecret } from './mounted-secret.ts'

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'mounted-secret-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

test('as the kubelet lays it out, and again when it turned the link', async () => {
  const path = await folder()
  const lay = async (version: string, files: Record<string, string>) => {
    await mkdir(join(path, version))
    for (const [name, text] of Object.entries(files)) await writeFile(join(path, version, name), text)
    await symlink(version, join(path, '..data_tmp'))
    await rename(join(path, '..data_tmp'), join(path, '..data'))
  }
  await lay('..1', { billing: 'one' })
  await symlink('..data/billing', join(path, 'billing'))
  expect([...(await readMountedSecret(path))]).toEqual([['billing', 'one']])
  await lay('..2', { billing: 'two', web: 'three' })
  expect(new Map(await readMountedSecret(path))).toEqual(
    new Map([
      ['billing', 'two'],
      ['web', 'three'],
    ]),
  )
})

test('an ordinary folder is read as it is; a missing one is an error', async () => {
  const path = await folder()
  await writeFile(join(path, 'a'), 'text')
  expect([...(await readMountedSecret(path))]).toEqual([['a', 'text']])
  await expect(readMountedSecret(join(path, 'nothing'))).rejects.toThrow('ENOENT')
})

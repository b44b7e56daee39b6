import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { withLock } from './lock.ts'
import { root } from './workspace.ts'

async function lockFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lock-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'lock')
}

test('work under one lock never overlaps, and a failure frees the lock', async () => {
  const file = await lockFile()
  let inside = 0
  const work = async () => {
    expect(++inside).toBe(1)
    await new Promise(setImmediate)
    inside--
  }
  const failing = withLock(file, () => Promise.reject(new Error('no luck')))
  await expect(failing).rejects.toThrow('no luck')
  await Promise.all([withLock(file, work), withLock(file, work), withLock(file, work)])
})

test('the lock of a process that was killed is free again', async () => {
  const file = await lockFile()
  const program = `import { withLock } from '#tools/lock.ts'
    await withLock(${JSON.stringify(file)}, () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)) })`
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], { cwd: root })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  holder.kill('SIGKILL')
  expect(await withLock(file, async () => 'mine')).toBe('mine')
})

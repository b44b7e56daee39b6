/** On a real store, with a clock of our own. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { s3Store } from '#dataservice/platform/objects/s3.ts'
import { startS3 } from '#e2e/engines/s3.ts'
import { growingEveryMs, logUploads } from './log-uploads.ts'
import { volumeAt } from './volume.ts'

const segment = '000000010000000000000003'
const folder = 'wal/7/1.1700000000'

test('what grows goes once in a while, what is whole at once, and neither twice', async () => {
  const server = await startS3()
  const root = await mkdtemp(join(tmpdir(), 'dataservice-volume-'))
  onTestFinished(() => Promise.all([server.remove(), rm(root, { recursive: true })]).then(() => {}))
  const store = s3Store({ ...server, prefix: 'a/b', keys: () => server.keys })
  onTestFinished(() => store.close())
  const at = (name: string): string => join(root, folder, name)
  await mkdir(join(root, folder), { recursive: true })
  const write = (text: string) => writeFile(at(`${segment}.partial`), text)
  let now = 0
  let sent = 0
  const uploads = logUploads({ store, volume: volumeAt(root), now: () => now, sent: () => void sent++ })
  const held = async (name: string) => {
    const found = await store.get(`${folder}/${name}.gz`)
    return found && gunzipSync(found).toString()
  }

  await write('one')
  await uploads.round()
  expect(await held(`${segment}.partial`)).toBe('one')
  await write('one two')
  await uploads.round()
  expect(await held(`${segment}.partial`)).toBe('one')
  now += growingEveryMs
  await uploads.round()
  expect(await held(`${segment}.partial`)).toBe('one two')
  now += growingEveryMs
  await uploads.round()
  expect(sent).toBe(2)

  await rename(at(`${segment}.partial`), at(segment))
  await uploads.round()
  expect([await held(segment), await held(`${segment}.partial`)]).toEqual(['one two', undefined])
  await uploads.round(true)
  expect([sent, uploads.waiting()]).toEqual([3, 0])
  const anew = logUploads({ store, volume: volumeAt(root), now: () => now, sent: () => void sent++ })
  await anew.round()
  expect(sent).toBe(3)
})

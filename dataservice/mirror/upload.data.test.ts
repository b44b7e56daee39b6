/** On a real store, with a wall clock of our own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test, vi } from 'vitest'
import { s3Store } from '#dataservice/platform/objects/s3.ts'
import { startS3 } from '#e2e/engines/s3.ts'
import { markText, parseMark } from './identity.ts'
import { markKey } from './layout.ts'
import { upload } from './upload.ts'
import { volumeAt } from './volume.ts'

const identity = { namespace: 'shop', name: 'orders', uid: 'ours' }

test('who lost the archive notices it within seconds, also when the wall clock is set back', async () => {
  const server = await startS3()
  const root = await mkdtemp(join(tmpdir(), 'dataservice-volume-'))
  const store = s3Store({ ...server, prefix: 'a/b', keys: () => server.keys })
  const { endpoint, bucket, region } = server
  const settings = { ...identity, endpoint, bucket, region, prefix: 'a/b', retainSeconds: 86_400 }
  const ports = { store, volume: volumeAt(root), settings, metrics: new Registry() }
  const clock = { behindMs: 0 }
  const now = () => Date.now() - clock.behindMs
  const mirror = upload({ ...ports, log: pino({ level: 'silent' }), now })
  onTestFinished(async () => {
    await mirror.stop()
    store.close()
    await server.remove()
    await rm(root, { recursive: true })
  })
  const holder = async () => parseMark((await store.get(markKey))?.toString())?.holder
  await vi.waitFor(async () => expect(await holder()).toBe('ours'), { timeout: 10_000, interval: 50 })
  clock.behindMs = 3_600_000
  await store.put(markKey, Buffer.from(markText({ ...identity, id: 'theirs', holder: 'theirs' })))
  await vi.waitFor(() => expect(mirror.notReady()).toContain('StoreForeign'), {
    timeout: 30_000,
    interval: 50,
  })
  expect(await holder()).toBe('theirs')
})

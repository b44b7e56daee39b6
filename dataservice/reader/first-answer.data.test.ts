/** A new reader gets traffic once Postgres has answered it, or did not for long enough. */
import { expect, onTestFinished, test } from 'vitest'
import { credentialFiles } from '#dataservice/contract/names.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { openWay } from '#e2e/chaos/way.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { firstAnswer } from './first-answer.ts'

const soon = { timeout: 60_000, interval: 20 }

test('a reader that is not let through to Postgres is not ready, but lives, until it is', async () => {
  const resources = new AsyncDisposableStack()
  onTestFinished(() => resources.disposeAsync())
  const { postgres, redis } = engines()
  const service = await migratedService(postgres)
  const way = await openWay(resources)
  const at = { host: way.host, port: way.port }
  const settings = { ...service.settings, store: { ...service.store, primary: at, replica: at } }
  const credentials = {
    [credentialFiles.postgresPassword]: service.password('reader'),
    [credentialFiles.redisPassword]: '',
  }
  const cache = { ...settings.cache, host: redis.host, port: redis.port }
  const reader = await startRole('reader', { ...settings, cache }, { credentials })
  resources.defer(() => reader.remove())
  await expect.poll(() => way.accepted(), soon).toBeGreaterThan(1)
  expect([await reader.readiness(), await reader.liveness()]).toEqual([503, 200])
  way.to(postgres)
  await expect.poll(() => reader.readiness(), soon).toBe(200)
})

test('Postgres that stays away keeps nobody from traffic for ever', async () => {
  let asked = 0
  const nobody = { query: () => Promise.reject(new Error(`away, asked ${++asked} times`)) }
  const first = firstAnswer(nobody, { limitMs: 100, pollMs: 10 })
  expect(first.problem()).toBe('Postgres has not answered since the start')
  await expect.poll(() => first.problem(), soon).toBeUndefined()
  expect(asked).toBeGreaterThan(1)
})

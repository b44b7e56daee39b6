/** The liveness probe of Redis, with the scripts of its pods. */
import { expect, test } from 'vitest'
import { redisPod } from './testing/redis-pod.ts'

test('one that answers is alive, though it asks for a password; one that is silent is not', async () => {
  const { engine, probe } = await redisPod()
  expect(await probe()).toBe(0)
  await engine.kill('SIGSTOP')
  expect(await probe()).not.toBe(0)
  await engine.kill('SIGCONT')
  expect(await probe()).toBe(0)
})

test('one that is yet to start is left alone', async () => {
  const { engine, probe } = await redisPod()
  await engine.kill('SIGKILL')
  expect(await probe()).toBe(0)
})

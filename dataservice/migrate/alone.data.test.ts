import { expect, onTestFinished, test } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { serviceDatabase } from '#e2e/engines/service-database.ts'
import { alone } from './alone.ts'

const { signal } = new AbortController()

async function opened() {
  const database = (await serviceDatabase(engines().postgres)).open('owner')
  onTestFinished(() => database.close())
  return database
}

test('what ended the session is told, and the next one is not kept out', async () => {
  const database = await opened()
  const ended = alone({ database, signal }, session =>
    session.query('SELECT pg_terminate_backend(pg_backend_pid())'),
  )
  await expect(ended).rejects.toThrow('terminating connection due to administrator command')
  expect(await alone({ database, signal }, async () => 'its turn')).toBe('its turn')
})

test('what failed is told, and the next one is not kept out', async () => {
  const database = await opened()
  const failed = alone({ database, signal }, session => session.query('SELECT 1 / 0'))
  await expect(failed).rejects.toThrow('division by zero')
  expect(await alone({ database, signal }, async () => 'its turn')).toBe('its turn')
})

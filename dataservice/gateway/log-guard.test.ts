import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { BrokerDisk } from '#dataservice/contract/log-room.ts'
import { startLogGuard } from './log-guard.ts'

const retentionMs = 3_600_000
const start = Date.UTC(2026, 0, 1)
beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

/** `answers`: age of the oldest unread record at each look in minutes, undefined when none; null when unknown. */
function guarded(answers: (number | undefined | null)[], disks: BrokerDisk[] = []) {
  const metrics = new Registry()
  const lag = {
    oldestUnread: async () => {
      const minutes = answers.length > 1 ? answers.shift() : answers[0]
      if (minutes === null) throw new Error('no answer')
      return minutes === undefined ? undefined : Date.now() - minutes * 60_000
    },
    disks: async () => disks,
  }
  const guard = startLogGuard({ lag, retentionMs, metrics, log: pino({ level: 'silent' }), now: Date.now })
  return { guard, look: (ms = 0) => vi.advanceTimersByTimeAsync(ms), metrics }
}

test.each([
  ['nothing is behind', undefined, false],
  ['less than four fifths of the retention', 47, false],
  ['four fifths of the retention', 48, true],
  ['beyond the retention', 90, true],
  ['nobody tells', null, false],
])('%s', async (_, minutes, full) => {
  const { guard, look } = guarded([minutes])
  await look()
  expect(guard.isFull()).toBe(full)
  guard.stop()
})

test('it goes when the writers have caught up, with the next look', async () => {
  const { guard, look } = guarded([50, undefined])
  await look()
  expect(guard.isFull()).toBe(true)
  await look(10_000)
  expect(guard.isFull()).toBe(false)
  guard.stop()
})

test('what was seen a minute ago says nothing any more', async () => {
  const { guard, look } = guarded([50, null])
  await look()
  await look(59_000)
  expect(guard.isFull()).toBe(true)
  await look(2_000)
  expect(guard.isFull()).toBe(false)
  guard.stop()
})

const gibibyte = 1024 ** 3
test.each([
  ['below 85 %', 10, 1.6, false],
  ['from 85 % on', 10, 1.5, true],
  ['85 % of a large one, of which plenty is left', 1000, 100, false],
  ['a disk that tells no size', 0, 0, false],
])('the fullest disk: %s', async (_, total, usable, full) => {
  const disks = [
    { broker: 0, totalBytes: 10 * gibibyte, usableBytes: 9 * gibibyte },
    { broker: 1, totalBytes: total * gibibyte, usableBytes: usable * gibibyte },
  ]
  const { guard, look, metrics } = guarded([undefined], disks)
  await look()
  expect(guard.isFull()).toBe(full)
  expect(await metrics.metrics()).toContain('dataservice_log_disk_used_ratio{broker="0"} 0.')
  guard.stop()
})

test('the age and the retention are measured', async () => {
  const { guard, look, metrics } = guarded([30])
  await look()
  const text = await metrics.metrics()
  expect(text).toContain('dataservice_log_lag_age_seconds 1800')
  expect(text).toContain('dataservice_log_retention_seconds 3600')
  guard.stop()
})

/** Claims that take effect when the partition is somebody else's by then. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord } from '#e2e/engines/records.ts'
import { soon } from '#e2e/engines/soon.ts'
import { assign, type PlayedOptions, playedWriter } from './testing/played-writer.ts'

const records = (count: number, from = 0): LogRecord[] =>
  Array.from({ length: count }, (_, n) => logRecord(BigInt(from + n), { body: '{}' }))

async function world() {
  const service = await migratedService(engines().postgres)
  const owner = service.open('owner')
  onTestFinished(() => owner.close())
  const open = (poolSize: number) => {
    const database = service.open('writer', { poolSize, waitMs: 20_000 })
    onTestFinished(() => database.close())
    return database
  }
  const writer = (options: PlayedOptions = {}, database = open(2)) =>
    playedWriter(service.settings, database, options)
  const position = async () => (await owner.query('SELECT next_offset, epoch FROM ingest_offsets')).rows[0]
  const untilAt = (...wanted: string[]) =>
    vi.waitFor(async () => expect(await position()).toEqual(wanted), { timeout: 15_000, interval: 20 })
  return { open, writer, position, untilAt }
}

test('a claim that waits for a connection is not sent once the partition was taken back', async () => {
  const { open, writer, untilAt } = await world()
  const database = open(1)
  const late = writer({}, database)
  const busy = Promise.withResolvers<void>()
  const other = database.use(() => busy.promise)
  const assigned = assign(late.assignment, [0])
  await vi.waitFor(() => expect(database.waiting).toBe(1), soon)
  late.assignment.revoked()
  const rightful = writer()
  await assign(rightful.assignment, [0])
  await rightful.assignment.records(0, records(3))
  await untilAt('3', '1')
  busy.resolve()
  await other
  expect(await assigned).toEqual(new Map())
  void rightful.assignment.records(0, records(3, 3))
  await untilAt('6', '1')
  expect(rightful.lines).toEqual([])
})

/** A writer whose partition was claimed by one that has gone since. */
async function shutOut() {
  const { writer, untilAt } = await world()
  const rightful = writer({ lostForMs: 500 })
  await assign(rightful.assignment, [0])
  const late = writer()
  await assign(late.assignment, [0])
  late.assignment.revoked()
  void rightful.assignment.records(0, records(3))
  await vi.waitFor(() => expect(rightful.lines.join()).toContain('another writer has claimed'), soon)
  return { rightful, writer, untilAt }
}

test('a writer that is shut out while the partition stays its own starts anew', async () => {
  const { rightful, writer, untilAt } = await shutOut()
  const ends = Promise.race([rightful.assignment.failed, delay(10_000)])
  await expect(ends).rejects.toThrow('another writer claimed partition 0')
  rightful.assignment.revoked()
  const again = writer()
  await assign(again.assignment, [0])
  await again.assignment.records(0, records(3))
  await untilAt('3', '3')
})

test('a writer whose partition went to another goes on', async () => {
  const { rightful } = await shutOut()
  rightful.assignment.revoked()
  const calm = delay(1_000).then(() => 'calm')
  expect(await Promise.race([rightful.assignment.failed, calm])).toBe('calm')
})

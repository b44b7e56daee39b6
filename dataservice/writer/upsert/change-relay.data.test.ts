/** What changed records reaches its topic in the order of versions, whatever fails and whoever goes on. */
import { randomFillSync, randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { LogAppender, LogRecord, NewRecord } from '#dataservice/platform/kafka/port.ts'
import { uuid7Maker } from '#dataservice/record/uuid7.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord, type TestRecord } from '#e2e/engines/records.ts'
import { changing } from '#e2e/engines/service-settings.ts'
import { soon } from '#e2e/engines/soon.ts'
import { ingestStore } from '../store.ts'
import { recordsTables } from '../table.ts'
import { assign, playedWriter } from '../testing/played-writer.ts'
import { changing as applying } from './apply.ts'
import { ChangeRelay } from './change-relay.ts'
import { changesIn } from './change-store.ts'
import { mergeInto } from './merge.ts'

const newId = uuid7Maker({ now: Date.now, random: bytes => void randomFillSync(bytes) })

/** Commands of all kinds over few records. */
function logOf(count: number): LogRecord[] {
  const pick = <T>(all: readonly T[]) => all[Math.floor(Math.random() * all.length)]
  return Array.from({ length: count }, (_, n) => {
    const command = pick(['create', 'replace', 'replace', 'merge', 'delete'] as const) ?? 'replace'
    const id = `r${Math.floor(Math.random() * 9)}`
    const body =
      { merge: `{"amount":${n}}`, delete: '' }[String(command)] ?? `{"customer":"x",  "amount":${n}e0}`
    const record: TestRecord = { id, key: id, eventId: newId(), command, body }
    return logRecord(BigInt(n), record)
  })
}

/** A topic that takes what it is given, now and then without saying so, and now and then nothing. */
function badTopic() {
  const contents: NewRecord[] = []
  const topic: LogAppender = {
    replicas: 1,
    partitions: 1,
    clockSkewMs: () => undefined,
    logId: 'log',
    close: async () => {},
    async append(batches) {
      const luck = Math.random()
      if (luck > 0.2) for (const records of batches.values()) contents.push(...records)
      const kind = luck > 0.4 ? ('appended' as const) : ('unknown' as const)
      const outcome = { kind, baseOffset: 0n, reason: 'no answer' }
      return new Map([...batches.keys()].map(partition => [partition, outcome]))
    },
  }
  return { topic, contents }
}

async function writing(service: MigratedService, topic: LogAppender) {
  const database = service.open('writer')
  onTestFinished(() => database.close())
  const store = ingestStore(database, recordsTables.Upsert, 60_000, applying(mergeInto(service.record)))
  /** A writer with its relay, each time another one. */
  return () => {
    const claimedBy = randomUUID()
    const { log: names } = service.settings
    const told = new ChangeRelay({
      changes: changesIn({
        database,
        source: '/dataservices/shop/orders',
        topic: names.eventsTopic,
        claimedBy,
      }),
      open: async () => topic,
      published: { inc: () => {} },
      log: pino({ level: 'silent' }),
      clock: { now: Date.now, random: () => 0 },
    })
    onTestFinished(() => told.stop())
    const options = { maxRecords: 40, store, changes: told, claimedBy }
    return { told, assignment: playedWriter(service.settings, database, options).assignment }
  }
}

const shown = ({ key, value, headers }: NewRecord) => ({
  id: String(key),
  version: Number(headers['dataservice_version']),
  eventId: headers['ce_id'],
  body: value?.toString() ?? null,
})

test('each change once at least, in the order of versions, through failures of the topic and changes of writers', async () => {
  const service = await migratedService(engines().postgres, changing)
  const { topic, contents } = badTopic()
  const writer = await writing(service, topic)
  const log = logOf(1_500)
  for (let from = 0; from < log.length; from += 500) {
    const { told, assignment } = writer()
    await assign(assignment, [0])
    // Who goes on is shown the last record that is stored.
    await assignment.records(0, log.slice(Math.max(0, from - 1), from + 500))
    await vi.waitFor(() => expect(assignment.positions().get(0)).toBe(BigInt(from + 500)), {
      timeout: 30_000,
    })
    // The last one tells all; the others are cut off where they are.
    if (from + 500 === log.length) await vi.waitFor(() => expect(told.waitingMs).toBe(0), { timeout: 60_000 })
    assignment.revoked()
    await told.stop()
  }
  const owner = service.open('owner')
  const { rows } = await owner.query(
    'SELECT record_id, version, id, body FROM events WHERE version IS NOT NULL ORDER BY record_id, version',
  )
  await owner.close()
  const all = contents.map(shown)
  console.info(`${all.length} records in the topic of ${rows.length} changes`)
  const seen = new Map<string, ReturnType<typeof shown>[]>()
  for (const change of all) {
    const before = seen.get(change.id) ?? []
    // The next version, or one that was told already.
    if (change.version > before.length) {
      expect(change.version).toBe(before.length + 1)
      seen.set(change.id, [...before, change])
    } else expect(change).toEqual(before[change.version - 1])
  }
  const once = [...seen].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, changes]) => changes)
  expect(once.map(({ id, version, eventId, body }) => [id, String(version), eventId, body])).toEqual(rows)
}, 120_000)

test('who lost a partition without noticing tells nothing of it', async () => {
  const service = await migratedService(engines().postgres, changing)
  const [late, now] = [badTopic(), badTopic()]
  const [zombie, owner] = [(await writing(service, late.topic))(), (await writing(service, now.topic))()]
  await assign(zombie.assignment, [0])
  await assign(owner.assignment, [0])
  const log = logOf(50)
  await owner.assignment.records(0, log)
  await vi.waitFor(() => expect(owner.assignment.positions().get(0)).toBe(50n), { timeout: 30_000 })
  await vi.waitFor(() => expect(owner.told.waitingMs).toBe(0), { timeout: 30_000 })
  zombie.told.stored(0)
  await vi.waitFor(() => expect(zombie.told.waitingMs).toBe(0), { timeout: 30_000 })
  expect(late.contents).toEqual([])
  expect(now.contents.length).toBeGreaterThan(0)
})

test('records that are large come in several portions, deletions between them in their place', async () => {
  const service = await migratedService(engines().postgres, changing)
  const { topic, contents } = badTopic()
  const writer = await writing(service, topic)
  const { told, assignment } = writer()
  await assign(assignment, [0])
  const large = `{"customer":"x","amount":1,"address":{"city":"${'x'.repeat(60)}"},"rest":"${'y'.repeat(800_000)}"}`
  const commands = [large, large, large, large, '', large, ''].map(body => ({
    id: 'a',
    key: 'a',
    eventId: newId(),
    body,
    command: body === '' ? ('delete' as const) : ('replace' as const),
  }))
  await assignment.records(
    0,
    commands.map((command, n) => logRecord(BigInt(n), command)),
  )
  await vi.waitFor(() => expect(assignment.positions().get(0)).toBe(BigInt(commands.length)), {
    timeout: 30_000,
  })
  await vi.waitFor(() => expect(told.waitingMs).toBe(0), { timeout: 60_000 })
  const versions = contents.map(each => shown(each).version)
  const once = versions.filter((version, n) => !versions.slice(0, n).includes(version))
  expect(once).toEqual(commands.map((_, n) => n + 1))
})

test('headers are those of an event, and a deletion has no value', async () => {
  const service = await migratedService(engines().postgres, changing)
  const contents: NewRecord[] = []
  const topic: LogAppender = {
    ...badTopic().topic,
    async append(batches) {
      contents.push(...[...batches.values()].flat())
      return new Map([...batches.keys()].map(partition => [partition, { kind: 'appended', baseOffset: 0n }]))
    },
  }
  const writer = await writing(service, topic)
  const { assignment } = writer()
  await assign(assignment, [0])
  const record = { id: 'a', key: 'a' }
  const events = [newId(), newId()]
  await assignment.records(0, [
    logRecord(0n, { ...record, eventId: events[0] ?? '', body: '{"customer":"x",  "amount":1e2}' }),
    logRecord(1n, { ...record, eventId: events[1] ?? '', body: '', command: 'delete' }),
  ])
  await vi.waitFor(() => expect(contents).toHaveLength(2), soon)
  const common = {
    ce_specversion: '1.0',
    ce_subject: 'a',
    ce_source: '/dataservices/shop/orders',
    ce_time: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
    ce_schemaversion: service.record.schemaVersion,
  }
  expect(contents.map(({ value, headers }) => [value?.toString(), headers])).toEqual([
    [
      '{"customer":"x",  "amount":1e2}',
      {
        ...common,
        ce_id: events[0],
        ce_type: 'dev.dataservice.record.created',
        'content-type': 'application/json',
        dataservice_version: '1',
      },
    ],
    [
      undefined,
      { ...common, ce_id: events[1], ce_type: 'dev.dataservice.record.deleted', dataservice_version: '2' },
    ],
  ])
})

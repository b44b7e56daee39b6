/** The writer where records change: what it makes of commands, against a reference that folds the same log. */
import { randomBytes, randomFillSync } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { conditionHeaders, envelope } from '#dataservice/record/envelope.ts'
import { uuid7Maker } from '#dataservice/record/uuid7.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord, type TestRecord } from '#e2e/engines/records.ts'
import { changing } from '#e2e/engines/service-settings.ts'
import { soon } from '#e2e/engines/soon.ts'
import { ingestStore } from '../store.ts'
import { recordsTables } from '../table.ts'
import { assign, proxiedWriter } from '../testing/played-writer.ts'
import { type Announce, changing as applying } from './apply.ts'
import { mergeInto } from './merge.ts'

/** A writer that reaches Postgres through a proxy of its own. */
const writer = (service: MigratedService, announce?: Announce) =>
  proxiedWriter(service, { statementTimeoutMs: 2_000, networkGraceMs: 500 }, database => ({
    range: { start: 0n, end: 10_000n },
    maxRecords: 100,
    store: ingestStore(database, recordsTables.Upsert, 60_000, applying(mergeInto(service.record), announce)),
  }))

const changingService = () => migratedService(engines().postgres, changing)

/** Ids of events, in the order of the log. */
const newId = uuid7Maker({ now: Date.now, random: bytes => void randomFillSync(bytes) })

/** Commands as a log, each an event of its own. */
function logOf(commands: readonly TestRecord[]): LogRecord[] {
  return commands.map((command, offset) =>
    logRecord(BigInt(offset), { eventId: newId(), key: command.id ?? '', ...command }),
  )
}

const ifMatch = (versions: string) => ({ headers: { [conditionHeaders.ifMatch]: versions } })
const order = (customer: string, amount: number | string = 1) =>
  `{"customer":"${customer}","amount":${amount}}`

/** All that the tables say, without times of this run. */
async function tables(service: MigratedService) {
  const owner = service.open('owner')
  const all = async (text: string) => (await owner.query(text)).rows
  const found = {
    records: await all(
      'SELECT id, version, body, accepted_at, changed_at, event_id FROM records ORDER BY id',
    ),
    events: await all(
      'SELECT id, record_id, command, version, body, outcome, reason FROM events ORDER BY id',
    ),
    outcomes: await all('SELECT log_offset, event_id, record_id, outcome FROM outcomes ORDER BY log_offset'),
    letters: await all('SELECT log_offset, event_id FROM dead_letters ORDER BY log_offset'),
    next: Number((await all('SELECT sum(next_offset) FROM ingest_offsets'))[0]?.[0]),
  }
  await owner.close()
  return found
}

const untilNext = (service: MigratedService, next: number) =>
  vi.waitFor(async () => expect((await tables(service)).next).toBe(next), { timeout: 30_000, interval: 20 })

async function written(service: MigratedService, log: readonly LogRecord[], announce?: Announce) {
  const { assignment, outcomes } = await writer(service, announce)
  await assign(assignment, [0])
  await assignment.records(0, log)
  await untilNext(service, log.length)
  return outcomes
}

async function fromTheStart(service: MigratedService): Promise<void> {
  const owner = service.open('owner')
  await owner.query('UPDATE ingest_offsets SET next_offset = 0, last_id = NULL')
  await owner.close()
}

test('each command does what it says, and what it cannot do is an outcome', async () => {
  const service = await changingService()
  const log = logOf([
    { id: 'a', body: order('x') },
    { id: 'a', body: order('y') }, // taken
    { id: 'b', body: order('b'), command: 'replace' },
    { id: 'a', body: order('z', '1e2'), command: 'replace' },
    { id: 'a', body: '{"amount":2.50}', command: 'merge' },
    { id: 'c', body: '{"amount":3}', command: 'merge' }, // nothing there
    { id: 'b', body: '', command: 'delete' },
    { id: 'b', body: '', command: 'delete' }, // gone already
    { id: 'b', body: order('again') },
    { id: 'a', body: '{"amount":"much"}', command: 'merge' }, // not as the schema says
    { id: 'a', body: order('old'), command: 'replace', ...ifMatch('1,2') }, // version 3
    { id: 'a', body: order('new'), command: 'replace', ...ifMatch('2,3') },
    { id: 'a', body: order('no'), command: 'replace', headers: { [conditionHeaders.ifNoneMatch]: '*' } },
    { id: 'd', body: order('d'), command: 'replace', headers: { [conditionHeaders.ifNoneMatch]: '*' } },
    { id: 'e', body: '', command: 'delete', ...ifMatch('*') }, // nothing there
  ])
  const outcomes = await written(service, log)
  const { records, events, outcomes: told } = await tables(service)
  expect(records.map(row => row.slice(0, 3))).toEqual([
    ['a', '4', order('new')],
    ['b', '3', order('again')],
    ['d', '1', order('d')],
  ])
  expect(events.map(([, id, , version, body, outcome]) => [id, version ?? outcome, body])).toEqual([
    ['a', '1', order('x')],
    ['a', 'id-conflict', null],
    ['b', '1', order('b')],
    ['a', '2', order('z', '1e2')],
    ['a', '3', order('z', '2.50')],
    ['c', 'absent', null],
    ['b', '2', null],
    ['b', 'absent', null],
    ['b', '3', order('again')],
    ['a', 'invalid', null],
    ['a', 'version-conflict', null],
    ['a', '4', order('new')],
    ['a', 'version-conflict', null],
    ['d', '1', order('d')],
    ['e', 'version-conflict', null],
  ])
  expect(told.map(([offset]) => Number(offset))).toEqual([1, 5, 7, 9, 10, 12, 14])
  await expect.poll(outcomes, soon).toMatchObject({ stored: 8, 'version-conflict': 3, absent: 2, invalid: 1 })
})

test('each batch announces the versions that its records come to, and a replay none', async () => {
  const service = await changingService()
  const log = randomLog(300, 3)
  const announced = new Map<string, bigint>()
  await written(service, log, changed => {
    for (const { row, version } of changed) {
      expect(version).toBeGreaterThan(announced.get(row.id) ?? 0n)
      announced.set(row.id, version)
    }
  })
  const { records } = await tables(service)
  expect(records.map(([id, version]) => [id, BigInt(version ?? 0)])).toEqual([...announced].toSorted())
  await fromTheStart(service)
  await written(service, log, changed => expect(changed).toEqual([]))
})

test('of two commands for one version exactly one wins', async () => {
  const service = await changingService()
  const rounds = Array.from({ length: 40 }, (_, n) => [
    { id: 'a', body: order('left', n), command: 'replace' as const, ...ifMatch(String(n + 1)) },
    { id: 'a', body: order('right', n), command: 'merge' as const, ...ifMatch(String(n + 1)) },
  ])
  const log = logOf([{ id: 'a', body: order('x') }, ...rounds.flat()])
  const outcomes = await written(service, log)
  await expect.poll(outcomes, soon).toMatchObject({ stored: 41, 'version-conflict': 40 })
  expect((await tables(service)).records[0]?.slice(0, 2)).toEqual(['a', '41'])
})

test('what Postgres refuses is a dead letter; all others of its batch count, and a replay decides nothing anew', async () => {
  const service = await changingService()
  const log = logOf([
    ...Array.from({ length: 20 }, (_, n) => ({
      id: `r${n % 5}`,
      body: order('x', n),
      command: 'replace' as const,
    })),
    { id: 'huge', body: '{"customer":"x","amount":1e999999}', command: 'replace' as const },
    { id: 'r1', body: 'no JSON', command: 'merge' as const },
    { id: 'r2', body: '{"customer":oops,"amount":1}', command: 'replace' as const },
    ...Array.from({ length: 20 }, (_, n) => ({
      id: `r${n % 5}`,
      body: `{"amount":${n}}`,
      command: 'merge' as const,
    })),
  ])
  const outcomes = await written(service, log)
  await expect.poll(outcomes, soon).toEqual({ stored: 40, refused: 2, invalid: 1 })
  const before = await tables(service)
  expect(before.letters.map(([offset]) => offset)).toEqual(['20', '22'])
  await fromTheStart(service)
  const again = await written(service, log)
  expect(await again()).toEqual({ duplicate: 40, refused: 2, invalid: 1 })
  expect(await tables(service)).toEqual(before)
})

test('a command that makes a record too large for an index is a dead letter, and the record stays as it was', async () => {
  const service = await changingService()
  const owner = service.open('owner')
  await owner.query("CREATE INDEX ON records ((body->>'customer'))")
  await owner.close()
  const long = randomBytes(4_000).toString('hex') // does not shrink to what fits a page
  const log = logOf([
    { id: 'a', body: order('x') },
    { id: 'a', body: order(long), command: 'replace' },
    { id: 'b', body: order(long) },
    { id: 'a', body: '{"amount":2}', command: 'merge' },
  ])
  const outcomes = await written(service, log)
  await expect.poll(outcomes, soon).toEqual({ stored: 2, refused: 2 })
  const { records, letters } = await tables(service)
  expect(records.map(row => row.slice(0, 3))).toEqual([['a', '2', order('x', 2)]])
  expect(letters.map(([offset]) => offset)).toEqual(['1', '2'])
})

test('a time that Postgres cannot read stops nobody: its record is a dead letter', async () => {
  const service = await changingService()
  const at = (time: string) => ({ headers: { [envelope.time]: time } })
  const log = logOf([
    { id: 'a', body: order('x') },
    { id: 'far', body: order('x'), ...at('+012345-01-01T00:00:00Z') },
    { id: 'zero', body: order('x'), ...at('0000-06-01T00:00:00Z') },
    { id: 'first', body: order('x'), ...at('0001-01-01T00:00:00Z') },
    { id: 'last', body: order('x'), ...at('9999-12-31T23:59:59.999Z') },
    { id: 'b', body: order('x') },
  ])
  const outcomes = await written(service, log)
  await expect.poll(outcomes, soon).toEqual({ stored: 4, refused: 2 })
  const { records, letters } = await tables(service)
  expect(records.map(([id]) => id)).toEqual(['a', 'b', 'first', 'last'])
  expect(letters.map(([offset]) => offset)).toEqual(['1', '2'])
})

/** A log of all kinds of commands over few records, the same for the same seed. */
function randomLog(count: number, seed: number): LogRecord[] {
  let state = seed
  const next = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * below)
  }
  const commands = Array.from({ length: count }, (_, n): TestRecord => {
    const command =
      (['create', 'replace', 'replace', 'merge', 'merge', 'delete'] as const)[next(6)] ?? 'create'
    const body = command === 'delete' ? '' : command === 'merge' ? `{"amount":${n}}` : order('x', n)
    const condition = next(3) === 0 ? ifMatch(String(1 + next(8))) : {}
    return { id: `r${next(12)}`, body, command, ...condition }
  })
  const log = logOf(commands)
  // The log may hold an event twice.
  return log
    .flatMap((record, n) => (n % 17 === 3 ? [record, record] : [record]))
    .map((record, offset) => ({
      ...record,
      offset: BigInt(offset),
    }))
}

/** Every command was decided once, versions have no gap, and the state is what the last change made. */
async function expectWhole(service: MigratedService, log: readonly LogRecord[]): Promise<void> {
  const { records, events } = await tables(service)
  const ids = log.map(({ headers }) => String(headers.get('ce_id')))
  expect(new Set(events.map(([id]) => id))).toEqual(new Set(ids))
  const changes = Map.groupBy(
    events.filter(([, , , version]) => version !== null),
    ([, id]) => id,
  )
  const states = new Map(records.map(([id, version, body]) => [id, [version, body]]))
  expect(states.size).toBe(changes.size)
  for (const [id, made] of changes) {
    expect(made.map(([, , , version]) => Number(version))).toEqual(made.map((_, n) => n + 1))
    expect(states.get(id)).toEqual(made.at(-1)?.slice(3, 5))
  }
}

test('a replay from the start changes nothing, in batches of any size', async () => {
  const service = await changingService()
  const log = randomLog(900, 7)
  await written(service, log)
  await expectWhole(service, log)
  const before = await tables(service)
  await fromTheStart(service)
  const { assignment } = await writer(service)
  await assign(assignment, [0])
  for (let at = 0; at < log.length; at += 37) await assignment.records(0, log.slice(at, at + 37))
  await untilNext(service, log.length)
  expect(await tables(service)).toEqual(before)
})

const statements = [
  'BEGIN',
  'UPDATE ingest_offsets',
  'FROM events',
  'FROM records',
  'INSERT INTO events',
  'INSERT INTO records',
  'COMMIT',
] as const
const faults = ['cut-before', 'cut-after', 'freeze'] as const

test.each(statements.flatMap(text => faults.map(fault => ({ text, fault }))))(
  'every command is decided once, as without a fault, when the connection meets $fault at $text',
  async ({ text, fault }) => {
    const log = randomLog(250, 11)
    const [calm, service] = [await changingService(), await changingService()]
    await written(calm, log)
    const { assignment, proxy } = await writer(service)
    await assign(assignment, [0])
    proxy.failAt(text, fault)
    await assignment.records(0, log.slice(0, 100))
    await proxy.happened()
    await assignment.records(0, log.slice(100))
    await untilNext(service, log.length)
    await expectWhole(service, log)
    expect(await tables(service)).toEqual(await tables(calm))
    expect(assignment.notReady()).toBeUndefined()
  },
)

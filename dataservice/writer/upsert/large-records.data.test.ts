/** Small patches of large records: what one transaction makes of them stays bounded, and nothing is decided twice. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { bodyBounds } from '#dataservice/record/scan.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { changing } from '#e2e/engines/service-settings.ts'
import { ingestStore } from '../store.ts'
import { recordsTables } from '../table.ts'
import { record, soon, heldWorld as world } from '../testing/held-world.ts'
import { assign, proxiedWriter } from '../testing/played-writer.ts'
import { changing as applying } from './apply.ts'
import { mergeInto } from './merge.ts'
import { mergedBytes } from './weight.ts'

const large = `{"customer":"x","amount":1,"note":"${'x'.repeat(300_000)}"}`
const put = (id: string, body = large) => ({ id, body, command: 'replace' as const })
const patch = (id: string, body: string) => ({ id, body, command: 'merge' as const })
const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n))

type Sent = ReturnType<typeof put> | ReturnType<typeof patch>
const logOf = (commands: readonly Sent[]): LogRecord[] =>
  commands.map(({ id, body, command }, offset) =>
    record(offset, id, body, { id, eventId: uuid7At(Date.now()), command }),
  )

const hot = [put('a'), ...times(90, n => patch('a', `{"quantity":${n}}`))]
const refused = put('b', '{"customer":"x","amount":1e999999}')

async function service() {
  const migrated = await migratedService(engines().postgres, changing)
  const owner = migrated.open('owner')
  onTestFinished(() => owner.close())
  const rows = async (text: string) => (await owner.query(text)).rows
  const { assignment, proxy } = await proxiedWriter(
    migrated,
    { statementTimeoutMs: 10_000, networkGraceMs: 500 },
    database => ({
      store: ingestStore(database, recordsTables.Upsert, 60_000, applying(mergeInto(migrated.record))),
    }),
  )
  await assign(assignment, [0])
  const stored = async (log: readonly LogRecord[]) => {
    await assignment.records(0, log)
    const next = String((log.at(-1)?.offset ?? 0n) + 1n)
    await vi.waitFor(
      async () => expect(await rows('SELECT next_offset FROM ingest_offsets')).toEqual([[next]]),
      { timeout: 50_000, interval: 20 },
    )
  }
  return { rows, proxy, stored }
}

type Rows = Awaited<ReturnType<typeof service>>['rows']

async function expectBounded(rows: Rows): Promise<void> {
  const [most] = await rows(
    'SELECT max(bytes) FROM (SELECT sum(octet_length(body::text)) AS bytes FROM events GROUP BY xmin::text) t',
  )
  expect(Number(most?.[0])).toBeLessThan(mergedBytes + bodyBounds.recordBytes)
}

/** Each command was decided once: the versions of each record have no gap, and the record is what the last one made. */
async function expectWhole(rows: Rows, log: readonly Sent[]): Promise<void> {
  const changes = Map.groupBy(log, ({ id }) => id)
  const wanted = [...changes].map(([id, of]) => [id, String(of.length), String(of.length), 't']).toSorted()
  const found =
    await rows(`SELECT r.id, r.version, count(*), bool_or(e.version = r.version AND e.body::text = r.body::text)
FROM records r JOIN events e ON e.record_id = r.id WHERE e.version IS NOT NULL GROUP BY r.id, r.version ORDER BY r.id`)
  expect(found).toEqual(wanted)
}

test.each<[string, Sent[], Sent[]]>([
  ['one record', hot.slice(0, 1), hot.slice(1)],
  ['many records', times(40, n => put(`r${n + 10}`)), times(40, n => patch(`r${n + 10}`, '{"quantity":1}'))],
  [
    'a record that grows by them',
    [put('a', '{"customer":"x","amount":1}')],
    times(90, n => patch('a', `{"note${n}":"${'x'.repeat(8_000)}"}`)),
  ],
])('patches of %s go into several transactions', async (_, before, patches) => {
  const { rows, stored } = await service()
  const log = logOf([...before, ...patches])
  await stored(log.slice(0, before.length))
  await stored(log.slice(before.length))
  await expectBounded(rows)
  await expectWhole(rows, [...before, ...patches])
})

test.each(['FROM events', 'FROM records', 'INSERT INTO events', 'COMMIT'])(
  'every patch is decided once when the connection is cut after %s',
  async text => {
    const { rows, proxy, stored } = await service()
    const log = logOf(hot)
    proxy.failAt(text, 'cut-after')
    await Promise.all([stored(log), proxy.happened()])
    await expectBounded(rows)
    await expectWhole(rows, hot)
  },
)

test('a refused command among them is a dead letter; all others count', async () => {
  const { rows, stored } = await service()
  await stored(logOf([...hot.slice(0, 50), refused, ...hot.slice(50)]))
  await expectWhole(rows, hot)
  expect(await rows('SELECT log_offset FROM dead_letters')).toEqual([['50']])
})

test('patches that waited behind a refused command are stored in several transactions, too', async () => {
  const { start, rows, waiting, untilNext, letGo } = await world(changing)
  const { assignment } = await start()
  const log = logOf([hot[0] ?? put('a'), { ...refused, id: 'a' }, ...hot.slice(1)])
  await assignment.records(0, log)
  await untilNext(log.length)
  expect(await waiting()).toHaveLength(90)
  await letGo()
  assignment.release()
  await vi.waitFor(async () => expect(await waiting()).toEqual([]), soon)
  await expectBounded(rows)
  await expectWhole(rows, hot)
})

import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { logRecord } from '#e2e/engines/records.ts'
import type { NewRow } from './decode.ts'
import { writerMetrics } from './metrics.ts'
import { OutcomeReport } from './outcome-report.ts'

const row = (offset: number): NewRow => ({
  offset: BigInt(offset),
  eventId: `event ${offset}`,
  id: `id ${offset}`,
  idTime: 0,
  fields: [],
  bytes: 0,
  record: logRecord(BigInt(offset), { id: `id ${offset}`, body: '{}' }),
})
const position = { clusterId: 'c', nextOffset: 0n, lastId: undefined, epoch: 1n, claimedBy: 'me' }
const result = (conflicts: readonly NewRow[]) => ({
  kind: 'stored' as const,
  position,
  records: 3 + conflicts.length,
  stored: 2,
  outcomes: conflicts.map(row => ({ row, outcome: 'id-conflict' as const, winner: row.id })),
  violated: false,
})

function reporting() {
  const lines: object[] = []
  const clock = { at: 0, now: () => clock.at }
  const metrics = writerMetrics(new Registry())
  const report = new OutcomeReport({ metrics, clock, log: { warn: (line: object) => void lines.push(line) } })
  return { report, lines, clock, metrics }
}

test('every record is counted by its outcome, and a conflict is named with offset and id', async () => {
  const { report, lines, metrics } = reporting()
  report.report(3, result([row(7)]), 0.1)
  expect((await metrics.records.get()).values.map(({ labels, value }) => [labels.outcome, value])).toEqual([
    ['stored', 2],
    ['duplicate', 1],
    ['id-conflict', 1],
  ])
  expect(lines).toEqual([{ partition: 3, offset: '7', id: 'id 7', outcome: 'id-conflict' }])
})

test('a flood of conflicts writes few lines, and the next minute tells how many were left out', async () => {
  const { report, lines, clock, metrics } = reporting()
  report.report(0, result(Array.from({ length: 1_000 }, (_, n) => row(n))), 0.1)
  expect(lines).toHaveLength(20)
  clock.at = 60_000
  report.report(0, result([row(1_000)]), 0.1)
  expect(lines.at(-1)).toMatchObject({ offset: '1000', leftOutBefore: 980 })
  const { values } = await metrics.records.get()
  expect(values.find(({ labels }) => labels.outcome === 'id-conflict')?.value).toBe(1_001)
})

/** `npm run bench -- [name…] [--smoke] [--json FILE]`: what we cost beside peers that do the same work in the same run. */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Row } from '#e2e/result-row.ts'
import { step } from '#tools/progress.ts'
import { type Bench, broken, type Entry, judge, rowOf, rowOfAbsent, type Size } from './contest.ts'
import { gatewayBench } from './gateway.ts'
import { gatewayCoalescingBench } from './gateway-coalescing.ts'
import { gatewayGoBench } from './gateway-go.ts'
import { growthBench } from './growth.ts'
import { kafkaClientsBench } from './kafka-clients.ts'
import { limitsOfMachine } from './limits.ts'
import { kroBench } from './operator/against-kro.ts'
import { operatorBench } from './operator/operator.ts'
import { readPathBench } from './read-path.ts'
import { readerHitBench } from './reader-hit.ts'
import { readerPageBench } from './reader-page.ts'
import { readerStampedeBench } from './reader-stampede.ts'
import { closing, lineOf, table } from './report.ts'
import { holdContest } from './rounds.ts'
import { sustainedBench } from './sustained/sustained.ts'
import { writerBench } from './writer.ts'
import { writerConnectBench } from './writer-connect.ts'
import { writerDuplicatesBench } from './writer-duplicates.ts'
import { writerReplayBench } from './writer-replay.ts'

const benches: Readonly<Record<string, Bench | readonly Bench[]>> = {
  gateway: gatewayBench,
  'gateway-coalescing': gatewayCoalescingBench,
  'gateway-go': gatewayGoBench,
  'kafka-clients': kafkaClientsBench,
  writer: writerBench,
  'writer-duplicates': writerDuplicatesBench,
  'writer-replay': writerReplayBench,
  'writer-connect': writerConnectBench,
  'reader-hit': readerHitBench,
  'reader-stampede': readerStampedeBench,
  'reader-page': readerPageBench,
  // One after the other: the disk need not hold both.
  growth: [growthBench('range'), growthBench('hash')],
  'read-path': readPathBench,
  sustained: sustainedBench,
  'operator-converge': operatorBench,
  'operator-idle': operatorBench,
  'operator-reaction': operatorBench,
  'operator-restart': operatorBench,
  'operator-memory': operatorBench,
  'operator-kro': kroBench,
}

interface Outcome {
  row: Row
  remarks?: readonly string[]
}

/** Benchmarks with the names that were asked for, each once. */
function chosen(asked: readonly string[]): Map<Bench, Set<string>> {
  const found = new Map<Bench, Set<string>>()
  for (const [name, parts] of Object.entries(benches)) {
    if (asked.length > 0 && !asked.includes(name)) continue
    for (const bench of [parts].flat()) found.set(bench, (found.get(bench) ?? new Set()).add(name))
  }
  return found
}

/** What does not start fails under the names of its benchmark; it is never skipped. */
async function* run(bench: Bench, names: ReadonlySet<string>, size: Size): AsyncGenerator<Outcome> {
  await using resources = new AsyncDisposableStack()
  try {
    for (const contest of await bench(size, resources, names)) yield await held(contest, size)
  } catch (error) {
    console.error(error)
    for (const name of names) yield { row: broken({ name, metric: 'could not be set up' }) }
  }
}

async function held(entry: Entry, size: Size): Promise<Outcome> {
  if ('absent' in entry) return { row: rowOfAbsent(entry) }
  try {
    if (!('count' in entry)) return { row: judge(entry, await holdContest(entry, size)) }
    const told = await entry.count()
    return { row: rowOf(entry, told), ...(told.remarks && { remarks: told.remarks }) }
  } catch (error) {
    console.error(error)
    return { row: broken(entry, typeof entry.peer === 'string' ? entry.peer : entry.peer.version) }
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { smoke: { type: 'boolean', default: false }, json: { type: 'string' } },
  })
  const unknown = positionals.filter(name => !(name in benches))
  if (unknown.length > 0)
    throw new Error(`unknown benchmark '${unknown.join(', ')}'; known: ${Object.keys(benches).join(', ')}`)
  const size = values.smoke ? 'smoke' : 'full'
  const limits = await limitsOfMachine()
  for (const line of limits) step(line)
  const rows: Row[] = []
  const remarks: string[] = []
  for (const [bench, names] of chosen(positionals)) {
    step(`${[...names].join(', ')} (${size})`)
    for await (const { row, remarks: more = [] } of run(bench, names, size)) {
      step(`  ${lineOf(row)}`)
      rows.push(row)
      remarks.push(...more)
      // Hours may be left, and a stop shall not lose what there is.
      if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`)
    }
  }
  console.log(`\n${[...limits, '', table(rows), ...remarks, closing(rows)].join('\n')}`)
  return rows.every(({ holds }) => holds) ? 0 : 1
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? `npm run bench: ${error.message}` : error)
  return 1
})

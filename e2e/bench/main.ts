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
import { convergeBench } from './operator/converge.ts'
import { memoryBench } from './operator/memory.ts'
import { standingBench } from './operator/standing.ts'
import { readPathBench } from './read-path.ts'
import { readerHitBench } from './reader-hit.ts'
import { readerPageBench } from './reader-page.ts'
import { readerStampedeBench } from './reader-stampede.ts'
import { closing, table } from './report.ts'
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
  'operator-converge': convergeBench,
  'operator-memory': memoryBench,
  'operator-idle': standingBench,
}

interface Outcome {
  row: Row
  remarks?: readonly string[]
}

/** What does not start fails under the name of its benchmark; it is never skipped. */
async function run(name: string, bench: Bench, size: Size): Promise<Outcome[]> {
  await using resources = new AsyncDisposableStack()
  const outcomes: Outcome[] = []
  try {
    for (const contest of await bench(size, resources)) outcomes.push(await held(contest, size))
  } catch (error) {
    console.error(error)
    outcomes.push({ row: broken({ name, metric: 'could not be set up' }) })
  }
  return outcomes
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
  const outcomes: Outcome[] = []
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    step(`${name} (${size})`)
    for (const part of [bench].flat()) outcomes.push(...(await run(name, part, size)))
  }
  const rows = outcomes.map(({ row }) => row)
  const remarks = outcomes.flatMap(outcome => outcome.remarks ?? [])
  console.log(`\n${[...limits, '', table(rows), ...remarks, closing(rows)].join('\n')}`)
  if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`)
  return rows.every(({ holds }) => holds) ? 0 : 1
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? `npm run bench: ${error.message}` : error)
  return 1
})

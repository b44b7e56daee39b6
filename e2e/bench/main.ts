/** `npm run bench -- [name…] [--smoke] [--json FILE]`: what we cost beside peers that do the same work in the same run. */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { step } from '#tools/progress.ts'
import { broken, type Contest, judge, type Row, rowOf, type Size, type Tally } from './contest.ts'
import { gatewayBench } from './gateway.ts'
import { growthBench } from './growth.ts'
import { readerHitBench } from './reader-hit.ts'
import { readerPageBench } from './reader-page.ts'
import { readerStampedeBench } from './reader-stampede.ts'
import { closing, table } from './report.ts'
import { holdContest } from './rounds.ts'
import { writerBench } from './writer.ts'
import { writerConnectBench } from './writer-connect.ts'
import { writerDuplicatesBench } from './writer-duplicates.ts'
import { writerReplayBench } from './writer-replay.ts'

/** Brings up what its contests need; what is handed to `resources` goes afterwards. */
export type Bench = (size: Size, resources: AsyncDisposableStack) => Promise<readonly (Contest | Tally)[]>

const benches: Readonly<Record<string, Bench | readonly Bench[]>> = {
  gateway: gatewayBench,
  writer: writerBench,
  'writer-duplicates': writerDuplicatesBench,
  'writer-replay': writerReplayBench,
  'writer-connect': writerConnectBench,
  'reader-hit': readerHitBench,
  'reader-stampede': readerStampedeBench,
  'reader-page': readerPageBench,
  // One after the other: the disk need not hold both.
  growth: [growthBench('range'), growthBench('hash')],
}

/** What does not start fails under the name of its benchmark; it is never skipped. */
async function run(name: string, bench: Bench, size: Size): Promise<Row[]> {
  await using resources = new AsyncDisposableStack()
  const rows: Row[] = []
  try {
    for (const contest of await bench(size, resources)) rows.push(await held(contest, size))
  } catch (error) {
    console.error(error)
    rows.push(broken({ name, metric: 'could not be set up' }))
  }
  return rows
}

async function held(entry: Contest | Tally, size: Size): Promise<Row> {
  try {
    return 'count' in entry ? rowOf(entry, await entry.count()) : judge(entry, await holdContest(entry, size))
  } catch (error) {
    console.error(error)
    return broken(entry, typeof entry.peer === 'string' ? entry.peer : entry.peer.version)
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
  const rows: Row[] = []
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    step(`${name} (${size})`)
    for (const part of [bench].flat()) rows.push(...(await run(name, part, size)))
  }
  console.log(`\n${table(rows)}\n${closing(rows)}`)
  if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`)
  return rows.every(({ holds }) => holds) ? 0 : 1
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? `npm run bench: ${error.message}` : error)
  return 1
})

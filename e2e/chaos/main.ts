/**
 * `npm run chaos -- [name…] [--smoke] [--json FILE] [--seed N]`: faults under load, with an oracle. Without names all
 * suites on real Kafka, Postgres and Redis run, then the scenarios on the cluster; with `--smoke` the suites alone, short.
 */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { Row } from '#e2e/result-row.ts'
import { step } from '#tools/progress.ts'
import { brokerLoss } from './broker-loss.ts'
import { cache } from './cache.ts'
import { chance } from './chance.ts'
import { connectionStorm } from './connection-storm.ts'
import { databaseAway } from './database-away.ts'
import { exactlyOnce } from './exactly-once.ts'
import { atMost, broken, lineOf, rowOf } from './figures.ts'
import { halfOpen } from './half-open.ts'
import { lock } from './lock.ts'
import { runScenarios, scenarios } from './node-scenarios.ts'
import { operatorSuites } from './operator/suites.ts'
import { overload } from './overload.ts'
import { partitionMissing } from './partition-missing.ts'
import { poison } from './poison.ts'
import { poolLeak } from './pool-leak.ts'
import { rebalance } from './rebalance.ts'
import { redisSlow } from './redis-slow.ts'
import { parseSelection, type Selection } from './selection.ts'
import { slowClients } from './slow-clients.ts'
import type { Size, Suite } from './suite.ts'
import { throttled } from './throttled.ts'
import { zombie } from './zombie.ts'

/** A further seed finds what the first did not. */
const smokeRuns: Readonly<Record<string, number>> = { 'exactly-once': 3 }

const dataSuites: Readonly<Record<string, Suite>> = {
  'exactly-once': exactlyOnce,
  poison,
  'half-open': halfOpen,
  'connection-storm': connectionStorm,
  'pool-leak': poolLeak,
  overload,
  'slow-clients': slowClients,
  'redis-slow': redisSlow,
  rebalance,
  'broker-loss': brokerLoss,
  zombie,
  'database-away': databaseAway,
  'partition-missing': partitionMissing,
  cache,
  lock,
  throttled,
}

async function runSuite(name: string, suite: Suite, size: Size, seed: number): Promise<Row[]> {
  step(`${name} (${size}), seed ${seed}`)
  const say = (message: string) => step(`  ${message}`)
  try {
    await using resources = new AsyncDisposableStack()
    const figures = await suite({ size, chance: chance(seed), resources, say })
    for (const figure of figures) say(lineOf(figure))
    return figures.flatMap(figure => rowOf(name, seed, figure))
  } catch (error) {
    console.error(error)
    return [broken(name, seed)]
  }
}

/** Without a seed of the user each run has a new one. */
async function runSuites(
  suites: Readonly<Record<string, Suite>>,
  { names, size, seed }: Selection,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const [name, suite] of Object.entries(suites).filter(([each]) => names.includes(each))) {
    const runs = seed === undefined && size === 'smoke' ? (smokeRuns[name] ?? 1) : 1
    for (let run = 0; run < runs; run++) {
      rows.push(...(await runSuite(name, suite, size, seed ?? randomBytes(4).readUInt32BE())))
    }
  }
  return rows
}

async function onCluster({ names }: Selection): Promise<Row[]> {
  const wanted = names.filter(name => name in scenarios)
  if (wanted.length === 0) return []
  const failed = (await runScenarios(wanted)) ? 0 : 1
  return rowOf(wanted.join(' '), 0, atMost('failed runs', failed, 0))
}

async function main(args: readonly string[]): Promise<number> {
  await using shared = new AsyncDisposableStack()
  const suites = { ...operatorSuites(shared), ...dataSuites }
  const known = { suites: Object.keys(suites), scenarios: Object.keys(scenarios) }
  const selection = parseSelection(args, known)
  const rows = [...(await runSuites(suites, selection)), ...(await onCluster(selection))]
  if (selection.json) writeFileSync(selection.json, `${JSON.stringify(rows, null, 2)}\n`)
  const held = rows.filter(({ holds }) => holds).length
  for (const { name, metric, ours, peer, peerVersion, holds } of rows)
    console.log(`${holds ? 'holds' : 'FAILS'}  ${name}: ${metric} ${ours} (${peerVersion}: ${peer})`)
  console.log(`${held} passed, ${rows.length - held} failed`)
  return held === rows.length ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? `npm run chaos: ${error.message}` : error)
  return 1
})

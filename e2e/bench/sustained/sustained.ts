/**
 * The whole stack on this machine under single-record POSTs that do not wait for each other: how much of what its
 * cores could do by what each request costs it really does, with every promise kept.
 */
import { availableParallelism } from 'node:os'
import { step } from '#tools/progress.ts'
import type { Size, Tally, Told } from '../contest.ts'
import { carry, storedWhole } from './carry.ts'
import { highestRate } from './search.ts'
import { attemptLine, coresLine, costLine, loadLine, memoryLine } from './told.ts'
import { type Carried, costOf, faultsOf, rateOf, sumOf } from './verdict.ts'
import { startWholeStack, type WholeStack } from './whole-stack.ts'

interface Seconds {
  each: number
  final: number
  attempt: number
}

const seconds: Readonly<Record<Size, Seconds>> = {
  smoke: { each: 6, final: 25, attempt: 10 },
  full: { each: 15, final: 300, attempt: 60 },
}

const bytes = 256
const attemptedRate = 10_000
const search = { from: 2_000, factor: 1.5, rises: 5, halvings: 2 }
/** The highest rate of short loads is a little too high for a long one. */
const shares = [0.95, 0.88, 0.8] as const

export async function sustainedBench(size: Size, resources: AsyncDisposableStack): Promise<Tally[]> {
  const stack = await startWholeStack(resources)
  return [
    {
      name: 'sustained',
      metric: 'requests/s, load included',
      gate: 0.7,
      isMoreBetter: true,
      peer: 'cores ÷ CPU seconds of all parts for each request',
      count: () => sustain(stack, seconds[size]),
    },
  ]
}

async function sustain(stack: WholeStack, lengths: Seconds): Promise<Told> {
  // What is cold gets warm.
  await told(stack, { name: 'w', perSecond: search.from, seconds: lengths.each })
  let tried = ''
  const highest = await highestRate(search, async perSecond => {
    tried += 't' // a number would run into those of the records
    return faultsOf(await told(stack, { name: tried, perSecond, seconds: lengths.each })).length === 0
  })
  const carried = await longLoad(stack, highest, lengths.final)
  const memory = memoryLine(stack.memory())
  const attempt = await told(stack, { name: 'a', perSecond: attemptedRate, seconds: lengths.attempt })
  return {
    ours: rateOf(carried),
    peer: possible(carried),
    remarks: [loadLine(carried), costLine(carried), memory, coresLine(carried), attemptLine(attempt)],
  }
}

/** Requests/s that the cores could do if nothing ever waited. */
const possible = (carried: Carried): number => (availableParallelism() / sumOf(costOf(carried))) * 1e6

/** Rejects when none of the rates was carried to the end. */
async function longLoad(stack: WholeStack, highest: number, length: number): Promise<Carried> {
  const faults: string[] = []
  for (const share of shares) {
    const perSecond = Math.round(highest * share)
    const name = `l${'x'.repeat(shares.indexOf(share))}`
    const carried = await told(stack, { name, perSecond, seconds: length })
    const found = faultsOf(carried)
    if (found.length === 0) {
      await storedWhole(stack, name, carried)
      return carried
    }
    faults.push(`${perSecond}/s: ${found.join(', ')}`)
  }
  throw new Error(`no rate was carried for ${length} s: ${faults.join('; ')}`)
}

async function told(
  stack: WholeStack,
  load: { name: string; perSecond: number; seconds: number },
): Promise<Carried> {
  const carried = await carry(stack, { ...load, bytes })
  const faults = faultsOf(carried)
  const costs = Object.values(costOf(carried)).map(each => each.toFixed(0))
  const verdict = faults.length === 0 ? 'carried' : `not carried: ${faults.join(', ')}`
  step(`  sustained ${load.perSecond}/s for ${load.seconds} s: ${costs.join(' + ')} µs CPU each, ${verdict}`)
  return carried
}

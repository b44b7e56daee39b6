/** What is told of a load beside its ratio. Pure. */
import { accepted, type Carried, costOf, faultsOf, rateOf } from './verdict.ts'
import type { Part } from './whole-stack.ts'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const fine = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })

export function loadLine(carried: Carried): string {
  const { offered, lags } = carried
  const many = whole.format(accepted(offered))
  const lag = `lag ${whole.format(Math.min(...lags))} to ${whole.format(Math.max(...lags))} records`
  return `sustained: ${whole.format(rateOf(carried))}/s for ${whole.format(offered.seconds)} s, ${latencies(carried)}, ${lag}; ${many} accepted, as many stored`
}

export function costLine(carried: Carried): string {
  const others = fine.format(carried.othersCpuSeconds / carried.offered.seconds)
  return `sustained: CPU µs for each request: ${listed(costOf(carried))}; others took ${others} cores`
}

export const memoryLine = (memory: Readonly<Record<Part, number>>): string => {
  const mebibytes = Object.entries(memory).map(([part, bytes]) => [part, bytes / 2 ** 20] as const)
  return `sustained: memory in MiB: ${listed(Object.fromEntries(mebibytes))}`
}

/** What 10,000 requests/s need by what each costs. */
export function coresLine(carried: Carried): string {
  const { generator, ...parts } = costOf(carried)
  const cores = Object.values(parts).reduce((sum, each) => sum + each, 0) / 100
  return `computed: 10,000 requests/s need ${cores.toFixed(2)} cores, and ${(generator / 100).toFixed(2)} for the load`
}

export function attemptLine(attempt: Carried): string {
  const faults = faultsOf(attempt)
  const verdict = faults.length === 0 ? 'carried' : `not carried: ${faults.join(', ')}`
  const { perSecond } = attempt
  return `attempted: ${whole.format(perSecond)}/s came to ${whole.format(rateOf(attempt))}/s, ${latencies(attempt)}; ${verdict}`
}

function latencies({ offered: { milliseconds } }: Carried): string {
  const { p50, p99, p999, max } = milliseconds
  return `P50 ${fine.format(p50)}, P99 ${fine.format(p99)}, P99.9 ${fine.format(p999)}, slowest ${fine.format(max)} ms`
}

const listed = (figures: Readonly<Record<string, number>>): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${fine.format(value)}`)
    .join(', ')

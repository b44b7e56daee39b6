/** Many DataServices that are ready: what they cost while nothing happens, and how soon a change is answered after that. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Call, isWrite, textOf } from '#e2e/chaos/api-proxy/calls.ts'
import { step } from '#tools/progress.ts'
import { once, type Size, type Tally } from '../contest.ts'
import { cpuOf } from '../cpu.ts'
import { answeredMs } from './change.ts'
import type { Growing } from './growing.ts'
import { limit, none } from './limits.ts'
import { observed } from './observed.ts'

interface Amounts {
  services: number
  idleMs: number
  /** Changes after that, one after the other. */
  changes: number
}

const amounts: Readonly<Record<Size, Amounts>> = {
  smoke: { services: 40, idleMs: 20_000, changes: 20 },
  full: { services: 1_000, idleMs: 600_000, changes: 100 },
}
/** Of a watch for each kind; each ends and begins anew within the resync of ten minutes. */
const mostWatchesEachMinute = 0.2
const mostReactionMs = 100
/** Numbers of pods that are asked for, one after the other: none is above what an autoscaler may have by default. */
const [leastPods, differentPods] = [4, 40]

interface Idle {
  reads: number
  writes: number
  watches: number
  /** For each DataService. */
  cpuMsEachMinute: number
}

interface Found extends Idle {
  reactionMs: number
}

export function idleTallies(size: Size, ours: Growing): Record<'idle' | 'reaction', Tally[]> {
  const all = once(() => measured(size, ours))
  const { services, idleMs } = amounts[size]
  const when = `${services} ready, ${idleMs / 1000} s`
  const found = async (field: keyof Found) => (await all())[field]
  return {
    idle: [
      none('operator-idle-reads', `reads (but of own Secrets at the resync), ${when}`, () => found('reads')),
      none('operator-idle-writes', `writes, ${when}`, () => found('writes')),
      limit(
        'operator-idle-watches',
        `watch requests a minute for a kind, ${when}`,
        () => found('watches'),
        mostWatchesEachMinute,
      ),
      {
        name: 'operator-idle-cpu',
        metric: `CPU ms a minute for each DataService, ${when}`,
        gate: 0,
        peer: 'none',
        count: async () => ({ ours: await found('cpuMsEachMinute'), peer: 0 }),
      },
    ],
    reaction: [
      {
        ...limit(
          'operator-reaction',
          'P99 ms from a change to the first request',
          () => found('reactionMs'),
          mostReactionMs,
        ),
        gate: size === 'full' ? 1 : 0, // of twenty changes the slowest one
      },
    ],
  }
}

async function measured(size: Size, ours: Growing): Promise<Found> {
  const { services, idleMs, changes } = amounts[size]
  const world = await ours.with(services)
  await using operator = await observed(world)
  await operator.working()
  await operator.calm()
  operator.calls.length = 0
  const cpu = cpuOf(operator.pid)
  await pause(idleMs) // that nothing happens is what is measured
  const cpuMs = (cpuOf(operator.pid) - cpu) * 1000
  const idle = idleOf(operator.calls, idleMs)
  const tookMs: number[] = []
  for (let number = 0; number < changes; number += 1)
    tookMs.push(await answeredMs(world, operator, { number, replicas: leastPods + (number % differentPods) }))
  await operator.calm() // what the changes asked for is done
  return {
    ...idle,
    cpuMsEachMinute: cpuMs / services / (idleMs / 60_000),
    reactionMs: ninetyNinth(tookMs),
  }
}

function idleOf(calls: readonly Call[], idleMs: number): Omit<Idle, 'cpuMsEachMinute'> {
  const watches = calls.filter(({ verb }) => verb === 'watch')
  const others = calls.filter(({ verb }) => verb !== 'watch')
  for (const call of others.slice(0, 10)) step(`  while nothing happened: ${textOf(call)}`)
  const perKind = new Map<string, number>()
  for (const { resource } of watches) perKind.set(resource, (perKind.get(resource) ?? 0) + 1)
  return {
    reads: others.filter(call => !isWrite(call) && call.resource !== 'secrets').length,
    writes: others.filter(isWrite).length,
    watches: Math.max(0, ...perKind.values()) / (idleMs / 60_000),
  }
}

function ninetyNinth(tookMs: readonly number[]): number {
  const sorted = tookMs.toSorted((a, b) => a - b)
  step(`  reaction: ${sorted.map(each => each.toFixed(0)).join(' ')} ms`)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0
}

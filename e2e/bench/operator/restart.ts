/** An operator that was killed begins anew with many DataServices: what it writes, and how soon it answers a change. */
import { isWrite } from '#e2e/chaos/api-proxy/calls.ts'
import { step } from '#tools/progress.ts'
import { once, type Size, type Tally } from '../contest.ts'
import { answeredMs, concerns } from './change.ts'
import type { Growing } from './growing.ts'
import { limit, none } from './limits.ts'
import { observed } from './observed.ts'

const amounts: Readonly<Record<Size, number>> = { smoke: 80, full: 5_000 }
const mostFirstMs = 5_000
/** A number that nobody has yet: neither by default nor by `operator-reaction`. */
const changed = { number: 0, replicas: 7 }

interface Found {
  writes: number
  firstMs: number
}

export function restartTallies(size: Size, ours: Growing): Tally[] {
  const services = amounts[size]
  const all = once(() => restarted(services, ours))
  const again = `a new start with ${services}`
  return [
    none('operator-restart-writes', `writes of ${again}`, async () => (await all()).writes),
    limit(
      'operator-restart',
      `ms until a change is answered after ${again}`,
      async () => (await all()).firstMs,
      mostFirstMs,
    ),
  ]
}

async function restarted(services: number, ours: Growing): Promise<Found> {
  const world = await ours.with(services)
  const began = performance.now()
  await using operator = await observed(world)
  await operator.working()
  const workingMs = performance.now() - began
  const { calls } = operator
  const before = calls.filter(isWrite).length
  // What it reads because it has just begun is no answer.
  const firstMs = await answeredMs(world, operator, { ...changed, counts: isWrite })
  await operator.calm()
  step(
    `  its copies were complete after ${workingMs.toFixed(0)} ms, all were looked at after ${(performance.now() - began).toFixed(0)} ms`,
  )
  // Those that the change itself asks for are not among them.
  const isOfChange = concerns(world, changed.number)
  const others = calls
    .slice(before)
    .filter(call => isWrite(call) && call.resource !== 'events' && !isOfChange(call))
  return { writes: before + others.length, firstMs }
}

/** DataServices are declared; how long until all are ready, what that costs the operator, and how many writes it takes. */
import { setTimeout as pause } from 'node:timers/promises'
import { step } from '#tools/progress.ts'
import { type Bench, median, once, type Size, type Tally } from '../contest.ts'
import { cpuOf } from '../cpu.ts'
import { type Contender, controllerRuntime, ours } from './program.ts'
import { peerTemplates } from './templates.ts'
import { isReady, worldUp, writesMade } from './world.ts'

/** How many DataServices, and how often each contender makes them. */
const amounts: Readonly<Record<Size, readonly { services: number; rounds: number }[]>> = {
  smoke: [{ services: 40, rounds: 1 }],
  full: [
    { services: 1_000, rounds: 3 },
    { services: 5_000, rounds: 1 },
  ],
}
const longestMs = 3_600_000
/** A wall clock of some seconds tells how soon a program is compiled, not how fast it is. */
const wallGate: Readonly<Record<Size, number>> = { smoke: 0, full: 1 / 1.25 }
/** 1 but for the writes that promises ask for, see `docs/performance.md`. */
const writesGate = 0.85

interface Convergence {
  /** For each DataService. */
  wallMs: number
  cpuMs: number
  writes: number
}

export const convergeBench: Bench = async size =>
  amounts[size].flatMap(amount => talliesOf(amount, wallGate[size]))

function talliesOf({ services, rounds }: { services: number; rounds: number }, gate: number): Tally[] {
  const all = once(() => inTurns(services, rounds))
  const middle = (field: keyof Convergence) => async () => {
    const { ours: first, peer: second } = await all()
    return { ours: median(first.map(each => each[field])), peer: median(second.map(each => each[field])) }
  }
  const name = `operator-converge-${services}`
  const peer = controllerRuntime.version
  return [
    { name, metric: 'ms by the clock for each DataService', gate, peer, count: middle('wallMs') },
    { name: `${name}-cpu`, metric: 'CPU ms of the operator for each', gate: 0, peer, count: middle('cpuMs') },
    {
      name: `${name}-writes`,
      metric: 'API writes for each',
      gate: writesGate,
      peer: 'children and one status',
      count: async () => ({
        ours: (await middle('writes')()).ours,
        peer: peerTemplates().length + 1,
      }),
    },
  ]
}

/** Each in a world of its own, one after the other. */
async function inTurns(services: number, rounds: number) {
  const found: Record<'ours' | 'peer', Convergence[]> = { ours: [], peer: [] }
  for (let round = 0; round < rounds; round += 1)
    for (const who of round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) {
      const one = await converged(who === 'ours' ? ours : controllerRuntime, services)
      step(
        `  ${who} ${services}: ${one.wallMs.toFixed(1)} ms, CPU ${one.cpuMs.toFixed(1)} ms, ${one.writes.toFixed(1)} writes`,
      )
      found[who].push(one)
    }
  return found
}

async function converged(contender: Contender, services: number): Promise<Convergence> {
  await using resources = new AsyncDisposableStack()
  const world = await worldUp(resources)
  await using program = await contender.start(world)
  await program.working()
  const before = { writes: await writesMade(world), own: world.ownWrites(), cpu: cpuOf(program.pid) }
  const began = performance.now()
  await world.declare(services, 'team')
  await world.until(() => world.services.list(undefined, isReady).length === services, longestMs)
  const wallMs = performance.now() - began
  const cpuMs = (cpuOf(program.pid) - before.cpu) * 1000
  await pause(2_000) // what is written after the last one was ready counts, too
  const writes = (await writesMade(world)) - before.writes - (world.ownWrites() - before.own)
  return { wallMs: wallMs / services, cpuMs: cpuMs / services, writes: writes / services }
}

/** DataServices are declared; how long until all are ready, what that costs the operator, and how many writes it takes. */
import type { Size, Tally } from '../contest.ts'
import type { Convergence, Growing } from './growing.ts'
import { controllerRuntime } from './program.ts'
import { peerTemplates } from './templates.ts'

/** A wall clock of some seconds tells how soon a program is compiled, not how fast it is. */
const wallGate: Readonly<Record<Size, number>> = { smoke: 0, full: 1 / 1.25 }
/** 1 but for the writes that promises ask for, see `docs/performance.md`. */
const writesGate = 0.85

/** Two contenders that grow to the same number, each in its own world. */
export interface Match {
  name: string
  services: number
  ours: Growing
  theirs: Growing
  /** Name and version of the other one. */
  peer: string
  /** Of the time by the clock. */
  gate: number
  /** Nobody needs our world after it. */
  isLast?: boolean
}

export function convergeTallies(
  size: Size,
  match: Pick<Match, 'services' | 'ours' | 'theirs' | 'isLast'>,
): Tally[] {
  const { services, ours } = match
  const name = `operator-converge-${services}`
  return [
    ...timeTallies({ ...match, name, peer: controllerRuntime.version, gate: wallGate[size] }),
    {
      name: `${name}-writes`,
      metric: 'API writes for each',
      gate: writesGate,
      peer: 'children and one status',
      count: async () => ({
        ours: (await ours.convergence(services)).writes,
        peer: peerTemplates().length + 1,
      }),
    },
  ]
}

/** By the clock, and of the operator's CPU. */
export function timeTallies({ name, services, ours, theirs, peer, gate, isLast }: Match): Tally[] {
  const both = (field: keyof Convergence) => async () => {
    const own = await ours.convergence(services)
    if (isLast) await ours.end() // two that are large have no room beside each other
    return { ours: own[field], peer: (await theirs.convergence(services))[field] }
  }
  const wall = 'ms by the clock for each DataService'
  return [
    { name, metric: wall, gate, peer, count: both('wallMs') },
    { name: `${name}-cpu`, metric: 'CPU ms of the operator for each', gate: 0, peer, count: both('cpuMs') },
  ]
}

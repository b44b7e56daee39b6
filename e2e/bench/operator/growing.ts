/** A world in which one contender makes everything. It grows from one number of DataServices to the next. */
import { setTimeout as pause } from 'node:timers/promises'
import { step } from '#tools/progress.ts'
import { cpuOf } from '../cpu.ts'
import type { Contender } from './program.ts'
import { type World, worldUp, writesMade } from './world.ts'

/** What it took, for each DataService that came. */
export interface Convergence {
  wallMs: number
  cpuMs: number
  writes: number
}

export interface Growing {
  /** With so many, all of them ready; nobody works in it any more. Rejects when it has grown beyond. */
  with(services: number): Promise<World>
  /** What it took to grow to so many from the number before. */
  convergence(services: number): Promise<Convergence>
  /** Takes the world away, so that another one has its memory; what growing took stays known. */
  end(): Promise<void>
}

/** `stops`: numbers at which is told what it took, in rising order. It is brought up when it is first needed. */
export function growing(
  contender: Contender,
  stops: readonly number[],
  resources: AsyncDisposableStack,
): Growing {
  const took = new Map<number, Convergence>()
  const own = resources.use(new AsyncDisposableStack())
  let begun: Promise<World> | undefined
  let have = 0
  const grow = async (to: number): Promise<World> => {
    if (have > to || own.disposed) throw new Error(`there are no ${to} DataServices any more`)
    begun ??= worldUp(contender.install, own)
    const world = await begun
    const ways = [...stops.filter(stop => stop < to), to].filter(stop => stop > have)
    for (const stop of ways) {
      took.set(stop, await converged(contender, world, { from: have, to: stop }))
      have = stop
    }
    return world
  }
  return {
    with: grow,
    async convergence(services) {
      if (!took.has(services)) await grow(services)
      const found = took.get(services)
      if (found === undefined) throw new Error(`nobody looked when there were ${services} DataServices`)
      return found
    },
    end: () => own.disposeAsync(),
  }
}

async function converged(
  contender: Contender,
  world: World,
  { from, to }: { from: number; to: number },
): Promise<Convergence> {
  await using program = await contender.start(world)
  await program.working()
  const before = { writes: await writesMade(world), own: world.ownWrites(), cpu: cpuOf(program.pid) }
  const began = performance.now()
  await world.grow(to)
  const wallMs = performance.now() - began
  const cpuMs = (cpuOf(program.pid) - before.cpu) * 1000
  await pause(2_000) // what is written after the last one was ready counts, too
  const writes = (await writesMade(world)) - before.writes - (world.ownWrites() - before.own)
  const each = (all: number): number => all / (to - from)
  const found = { wallMs: each(wallMs), cpuMs: each(cpuMs), writes: each(writes) }
  const { version } = contender
  step(
    `  ${version}, from ${from} to ${to}: ${found.wallMs.toFixed(1)} ms for each, CPU ${found.cpuMs.toFixed(1)} ms, ${found.writes.toFixed(1)} writes`,
  )
  return found
}

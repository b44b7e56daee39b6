/** What each DataService costs the operator in memory that it cannot free, and how large its process is with many. */
import { setTimeout as pause } from 'node:timers/promises'
import { step } from '#tools/progress.ts'
import { type Bench, once, type Size, type Tally, type Told } from '../contest.ts'
import { type Contender, controllerRuntime, ours } from './program.ts'
import { isReady, type World, worldUp } from './world.ts'

/** How many DataServices there are at the first look and at the second. */
const amounts: Readonly<Record<Size, readonly [number, number]>> = {
  smoke: [20, 60],
  full: [1_000, 10_000],
}
const mostMegabytes = 250
const longestMs = 3_600_000
/** After its copies are complete an operator looks at everything once. */
const calmMs: Readonly<Record<Size, number>> = { smoke: 8_000, full: 180_000 }

interface Memory {
  retained: number
  megabytes: number
}

interface Look {
  services: number
  ours: Memory
  peer: Memory
}

export const memoryBench: Bench = async (size, resources) => {
  const looks = once(() => twice(size, resources))
  const peer = controllerRuntime.version
  const [, many] = amounts[size]
  const slope: Tally = {
    name: 'operator-memory',
    metric: 'KiB kept for each DataService',
    gate: 1,
    peer: `${peer}, its copies alone`,
    count: async (): Promise<Told> => {
      const [few, more] = await looks()
      const each = (who: 'ours' | 'peer') =>
        (more[who].retained - few[who].retained) / (more.services - few.services) / 1024
      return { ours: each('ours'), peer: each('peer') }
    },
  }
  const resident: Tally = {
    name: 'operator-memory-resident',
    metric: `MiB of the process with ${many}`,
    gate: size === 'full' ? 1 : 0,
    peer: `${mostMegabytes} MiB`,
    count: async () => ({ ours: (await looks())[1].ours.megabytes, peer: mostMegabytes }),
  }
  return [slope, resident]
}

async function twice(size: Size, resources: AsyncDisposableStack): Promise<[Look, Look]> {
  const world = await worldUp(resources)
  const [few, many] = amounts[size]
  await made(world, few, 'few', few)
  const first = await look(world, few, size)
  await made(world, many - few, 'many', many)
  return [first, await look(world, many, size)]
}

async function made(world: World, more: number, prefix: string, all: number): Promise<void> {
  await using operator = await ours.start(world)
  await operator.working()
  await world.declare(more, prefix)
  await world.until(() => world.services.list(undefined, isReady).length === all, longestMs)
  await pause(2_000) // what it still writes
}

/** Operators that begin anew: what they were while everything was made does not matter. */
async function look(world: World, services: number, size: Size): Promise<Look> {
  const found = {
    services,
    ours: await memoryOf(ours, world, size),
    peer: await memoryOf(controllerRuntime, world, size),
  }
  const [one, other] = [found.ours.retained, found.peer.retained].map(bytes => (bytes / 2 ** 20).toFixed(1))
  step(
    `  ${services}: ours keeps ${one} MiB (${found.ours.megabytes.toFixed(0)} resident), the peer ${other}`,
  )
  return found
}

async function memoryOf(contender: Contender, world: World, size: Size): Promise<Memory> {
  await using program = await contender.start(world, { READ_ONLY: 'true' })
  await program.working()
  await pause(calmMs[size])
  const megabytes = program.resident()
  return { megabytes, retained: await program.retained() }
}

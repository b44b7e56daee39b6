/** What each DataService costs the operator in memory that it cannot free, and how large its process is with many. */
import { setTimeout as pause } from 'node:timers/promises'
import { step } from '#tools/progress.ts'
import { once, type Size, type Tally } from '../contest.ts'
import type { Growing } from './growing.ts'
import { observed } from './observed.ts'
import { controllerRuntime, type Program } from './program.ts'
import type { World } from './world.ts'

/** How many DataServices there are at each look; the slope is between the first and each other. */
const amounts: Readonly<Record<Size, readonly [number, ...number[]]>> = {
  smoke: [40, 80],
  full: [1_000, 2_000, 5_000, 10_000],
}
/** The limit holds for the largest number. */
const mostMegabytes = 250
/** What beginning heaped up is given back within a minute (`operator/controller/give-back.ts`); a few heap nothing up. */
const restMs: Readonly<Record<Size, number>> = { smoke: 0, full: 60_000 }

interface Memory {
  /** Bytes. */
  retained: number
  megabytes: number
}

type Look = Record<'ours' | 'peer', Memory>

/** Of each look, in the order of the numbers, so that what a world tells is told before it grows on. */
export function memoryTallies(size: Size, ours: Growing): Tally[][] {
  const [fewest, ...more] = amounts[size]
  const looks = new Map(
    [fewest, ...more].map(services => [services, once(() => look(ours, services, restMs[size]))] as const),
  )
  const lookAt = async (services: number): Promise<Look> => {
    const found = await looks.get(services)?.()
    if (found === undefined) throw new Error(`there is no look at ${services} DataServices`)
    return found
  }
  const peer = `${controllerRuntime.version}, its copies alone`
  const limitGate = (services: number): number =>
    size === 'full' && services === Math.max(...amounts[size]) ? 1 : 0
  const resident = (services: number): Tally => ({
    name: `operator-memory-resident-${services}`,
    metric: `MiB of the process with ${services}`,
    gate: limitGate(services),
    peer: `${mostMegabytes} MiB`,
    count: async () => ({ ours: (await lookAt(services)).ours.megabytes, peer: mostMegabytes }),
  })
  const slope = (services: number): Tally => ({
    name: `operator-memory-${services}`,
    metric: `KiB kept for each DataService from ${fewest} to ${services}`,
    gate: 1,
    peer,
    count: async () => {
      const [few, many] = [await lookAt(fewest), await lookAt(services)]
      const each = (who: keyof Look) => (many[who].retained - few[who].retained) / (services - fewest) / 1024
      return { ours: each('ours'), peer: each('peer') }
    },
  })
  return [[resident(fewest)], ...more.map(services => [resident(services), slope(services)])]
}

/** Operators that begin anew: what they were while everything was made does not matter. */
async function look(growing: Growing, services: number, rest: number): Promise<Look> {
  const world = await growing.with(services)
  const found = { ours: await memoryOfOurs(world, rest), peer: await memoryOfPeer(world) }
  const [one, other] = [found.ours, found.peer].map(
    ({ retained, megabytes }) => `${(retained / 2 ** 20).toFixed(1)} MiB, ${megabytes.toFixed(0)} resident`,
  )
  step(`  ${services}: ours keeps ${one}; the peer ${other}`)
  return found
}

async function memoryOfOurs(world: World, rest: number): Promise<Memory> {
  await using operator = await observed(world)
  await operator.working()
  await operator.calm() // it looks at everything once
  await pause(rest)
  return await memoryOf(operator)
}

async function memoryOfPeer(world: World): Promise<Memory> {
  await using program = await controllerRuntime.start(world, { READ_ONLY: 'true' })
  await program.working()
  await pause(3_000)
  return await memoryOf(program)
}

async function memoryOf(program: Program): Promise<Memory> {
  const megabytes = program.resident()
  return { megabytes, retained: await program.retained() }
}

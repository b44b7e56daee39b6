/** Writers come and go under load, in order and by `kill -9`: nobody waits for his records for long. */
import { setTimeout as delay } from 'node:timers/promises'
import { ready } from '#e2e/scenarios/open-role-stack.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { atMost, told } from './figures.ts'
import { longestStall, watchProgress } from './progress.ts'
import type { Suite } from './suite.ts'
import { underLoad } from './under-load.ts'

const plan = { smoke: { everyMs: 5_000, rounds: 1 }, full: { everyMs: 20_000, rounds: 15 } } as const
const partitions = 6

export const rebalance: Suite = context =>
  underLoad(context, { stack: { partitions }, writers: 2, perSecond: 500 }, async scene => {
    const { roles, size, world, chance } = scene
    const { everyMs, rounds } = plan[size]
    const progress = await watchProgress(world)
    await delay(everyMs / 2)
    const began = performance.now()
    const third = await roles.add('writer')
    await ready(roles.process('writer', third))
    for (let round = 0; round < rounds; round++) {
      await delay(everyMs)
      await roles.restart('writer', 'SIGTERM', third) // one goes, and comes again
      await ready(roles.process('writer', third))
    }
    await delay(everyMs)
    const clean = longestStall(progress.looks, began)
    const killed = performance.now()
    await roles.end('writer', 'SIGKILL', chance.of('killed').between(0, 2))
    const position = (partition: number) => progress.looks.at(-1)?.stored[partition] ?? 0
    const before = Array.from({ length: partitions }, (_, partition) => position(partition))
    await settledIn(60_000, async () => {
      const still = before.filter((stored, partition) => position(partition) === stored)
      if (still.length > 0) throw new Error(`${still.length} partitions stand still`)
    })
    const unclean = longestStall(progress.looks, killed)
    await progress.stop()
    return [
      told('writers that came or went', 1 + 2 * rounds),
      atMost('longest time without progress of a partition, in order, s', clean, 10),
      atMost('longest time without progress of a partition after a kill, s', unclean, 15),
    ]
  })

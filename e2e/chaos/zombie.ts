/** A writer is suspended in the middle of its work, loses its partitions, and wakes up again. */
import { setTimeout as delay } from 'node:timers/promises'
import type { RoleProcess } from '#dataservice/testing/role-process.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { atLeast, atMost } from './figures.ts'
import { longestStall, watchProgress } from './progress.ts'
import type { Suite } from './suite.ts'
import { underLoad } from './under-load.ts'

const lasts = { smoke: 15_000, full: 60_000 } as const
const rounds = { smoke: 1, full: 5 } as const
const partitions = 4

export const zombie: Suite = context =>
  underLoad(context, { stack: { partitions }, writers: 2, perSecond: 1_000 }, async scene => {
    const { roles, chance, size, world } = scene
    const progress = await watchProgress(world)
    const own = chance.of('sleeper')
    let [takenOver, cameBack] = [0, 0]
    for (let round = 0; round < rounds[size]; round++) {
      const which = own.between(0, 1)
      const [sleeper, heir] = [roles.process('writer', which), roles.process('writer', 1 - which)]
      await delay(own.between(1_000, 3_000))
      const before = { sleeper: claims(sleeper), heir: claims(heir) }
      sleeper.signal('SIGSTOP')
      await delay(lasts[size]).finally(() => sleeper.signal('SIGCONT'))
      if (claims(heir) - before.heir >= partitions) takenOver += 1
      await settledIn(60_000, async () => {
        if (claims(sleeper) === before.sleeper) throw new Error('it has claimed nothing again')
      })
      cameBack += 1
    }
    const stall = longestStall(progress.looks)
    await progress.stop()
    return [
      atLeast('rounds in which the other writer took over', takenOver, rounds[size]),
      atLeast('rounds in which the sleeper got a share again', cameBack, rounds[size]),
      atMost('longest time without progress of a partition, s', stall, 15),
    ]
  })

const claims = (writer: RoleProcess): number => writer.log().split('"msg":"claimed"').length - 1

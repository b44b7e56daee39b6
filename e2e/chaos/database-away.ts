/** Postgres is away for long while records come in: the log keeps them, the writer's memory does not grow. */
import { setTimeout as delay } from 'node:timers/promises'
import { atLeast, atMost, told } from './figures.ts'
import { behind, watchProgress } from './progress.ts'
import { residentMegabytes } from './resident.ts'
import type { Suite } from './suite.ts'
import { underLoad } from './under-load.ts'

const lasts = { smoke: 12_000, full: 600_000 } as const
const perSecond = { smoke: 2_000, full: 500 } as const
/** Its memory while Postgres is away: what the second half of the time may add to the first, in MiB. */
const growthMegabytes = 32
/** The limit of a pod with the standard profile, in MiB. */
const memoryLimit = 512

export const databaseAway: Suite = context =>
  underLoad(context, { perSecond: perSecond[context.size] }, async ({ world, roles, size }) => {
    const { pid } = roles.process('writer')
    const owner = world.database.open('owner')
    const progress = await watchProgress(world)
    await delay(3_000)
    const before = residentMegabytes(pid)
    await world.postgres.kill('SIGQUIT')
    const firstHalf = await largestWithin(pid, lasts[size] / 2)
    const secondHalf = await largestWithin(pid, lasts[size] / 2)
    let largest = Math.max(firstHalf, secondHalf)
    await world.postgres.start()
    const began = performance.now()
    const backlog = Math.max(...progress.looks.slice(-3).map(behind))
    const from = progress.looks.length
    const calm = () => progress.looks.slice(from).find(look => behind(look) < perSecond[size] / 2)
    while (!calm() && performance.now() - began < 300_000) {
      await delay(100)
      largest = Math.max(largest, residentMegabytes(pid))
    }
    const drained = ((calm()?.at ?? Number.POSITIVE_INFINITY) - began) / 1000
    await progress.stop()
    const { rows } = await owner.query('SELECT count(*) FROM dead_letters').finally(() => owner.close())
    return [
      atLeast('records that waited', backlog, (perSecond[size] * lasts[size]) / 2_000),
      told('seconds until they were stored', drained),
      atLeast('records stored in a second, beside those that came', backlog / drained, perSecond[size]),
      told('memory of the writer before, MiB', before),
      atMost('what the second half of the time added to it, MiB', secondHalf - firstHalf, growthMegabytes),
      atMost('memory of the writer at most, MiB', largest, memoryLimit),
      atMost('dead letters', Number(rows[0]?.[0]), 0),
    ]
  })

/** MiB at most within the next milliseconds. */
async function largestWithin(pid: number, milliseconds: number): Promise<number> {
  let largest = 0
  for (const until = performance.now() + milliseconds; performance.now() < until; await delay(200))
    largest = Math.max(largest, residentMegabytes(pid))
  return largest
}

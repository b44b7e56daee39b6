/** The operator with many DataServices. One world of ours grows through all that is asked for, because making them takes hours. */
import type { Bench, Size, Tally } from '../contest.ts'
import { convergeTallies } from './converge.ts'
import { growing } from './growing.ts'
import { idleTallies } from './idle.ts'
import { memoryTallies } from './memory.ts'
import { controllerRuntime, ours } from './program.ts'
import { restartTallies } from './restart.ts'

/** To which numbers of DataServices both contenders converge. */
const convergences: Readonly<Record<Size, readonly number[]>> = { smoke: [20, 40], full: [1_000, 5_000] }

/** In the order of the numbers that they need; what needs another world as large comes last. */
export const operatorBench: Bench = async (size, resources, asked) => {
  const stops = convergences[size]
  const own = growing(ours, stops, resources)
  const theirs = growing(controllerRuntime, stops, resources)
  const { idle, reaction } = idleTallies(size, own)
  const [firstLook = [], ...looks] = memoryTallies(size, own)
  const [first = [], ...others] = stops.map(services =>
    convergeTallies(size, { services, ours: own, theirs, isLast: services === Math.max(...stops) }),
  )
  const course: (readonly [string, readonly Tally[]])[] = [
    ['operator-idle', idle],
    ['operator-reaction', reaction],
    ['operator-memory', firstLook],
    ['operator-converge', first],
    ...looks.slice(0, 1).map(each => ['operator-memory', each] as const),
    ['operator-restart', restartTallies(size, own)],
    ...looks.slice(1).map(each => ['operator-memory', each] as const),
    ...others.map(each => ['operator-converge', each] as const),
  ]
  return course.filter(([name]) => asked.has(name)).flatMap(([, tallies]) => tallies)
}

/** CPU time of processes, from the kernel's own count. */
import { readdirSync, readFileSync } from 'node:fs'

/** The kernel counts in hundredths of a second for every Linux of today (USER_HZ). */
const ticksPerSecond = 100

interface Stat {
  parent: number
  /** User and system time of the process itself. */
  own: number
  /** The same of its children that ended. */
  reaped: number
}

/** Seconds that one process has used; its children do not count. */
export const cpuOf = (pid: number): number => required(pid).own

/** Seconds that a process, its living descendants and those that ended have used. */
export function cpuOfTree(pid: number): number {
  const stats = new Map(
    readdirSync('/proc')
      .filter(entry => /^\d+$/.test(entry))
      .flatMap(entry => {
        const stat = read(Number(entry))
        return stat ? [[Number(entry), stat] as const] : []
      }),
  )
  const isIn = (each: number): boolean =>
    each === pid || (stats.has(each) && isIn(stats.get(each)?.parent ?? 0))
  return [...stats].filter(([each]) => isIn(each)).reduce((sum, [, { own, reaped }]) => sum + own + reaped, 0)
}

/** Seconds of all children of this very process that ended. */
export const cpuOfEndedChildren = (): number => required(process.pid).reaped

function required(pid: number): Stat {
  const stat = read(pid)
  if (!stat) throw new Error(`process ${pid} is gone`)
  return stat
}

/** Undefined when it ended meanwhile. */
function read(pid: number): Stat | undefined {
  try {
    return parse(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** The name of the program may hold spaces and brackets; what follows its last bracket does not (proc(5)). */
export function parse(stat: string): Stat {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const number = (place: number): number => Number(fields[place - 3]) // proc(5) counts from 1, and two went
  const seconds = (...places: number[]): number =>
    places.reduce((sum, place) => sum + number(place), 0) / ticksPerSecond
  return { parent: number(4), own: seconds(14, 15), reaped: seconds(16, 17) }
}

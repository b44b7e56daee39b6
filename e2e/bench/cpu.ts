/** CPU time and memory of processes, from the kernel's own count. */
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
export const cpuOfTree = (pid: number): number =>
  treeOf(pid).reduce((sum, [, { own, reaped }]) => sum + own + reaped, 0)

/** Bytes of memory of a process and its living descendants; what they share counts once. */
export const memoryOfTree = (pid: number): number =>
  treeOf(pid).reduce((sum, [each]) => sum + proportionalBytes(each), 0)

/** A process and its living descendants. */
function treeOf(pid: number): [number, Stat][] {
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
  return [...stats].filter(([each]) => isIn(each))
}

/** 0 when it ended meanwhile. */
function proportionalBytes(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    return Number(/^Pss: +(\d+) kB/m.exec(text)?.[1]) * 1024
  } catch {
    return 0
  }
}

/** Seconds that all cores together have worked since the machine started. */
export function cpuOfMachine(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  // user nice system idle iowait irq softirq steal (proc(5)); the first field is the name
  const ticks = line.split(/ +/).map(Number)
  return [1, 2, 3, 6, 7, 8].reduce((sum, place) => sum + (ticks[place] ?? 0), 0) / ticksPerSecond
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

/** What work costs the processes that do it. */
import type { Sample } from './contest.ts'
import { cpuOf } from './cpu.ts'

/** CPU of these processes, without their children, and the time by the clock while `work` does so many operations. */
export function measured(
  pids: readonly number[],
  operations: number,
  work: () => Promise<void>,
): Promise<Sample> {
  return timed(() => pids.reduce((sum, pid) => sum + cpuOf(pid), 0), operations, work)
}

/** The same for whatever `cpu` counts, in seconds. */
export async function timed(
  cpu: () => number,
  operations: number,
  work: () => Promise<void>,
): Promise<Sample> {
  const before = { cpu: cpu(), at: performance.now() }
  await work()
  return {
    operations,
    cpuSeconds: cpu() - before.cpu,
    wallSeconds: (performance.now() - before.at) / 1000,
  }
}

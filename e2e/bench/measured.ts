/** What work costs the processes that do it. */
import type { Sample } from './contest.ts'
import { cpuOf } from './cpu.ts'

/** CPU of these processes, without their children, and the time by the clock while `work` does so many operations. */
export async function measured(
  pids: readonly number[],
  operations: number,
  work: () => Promise<void>,
): Promise<Sample> {
  const cpu = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0)
  const before = { cpu: cpu(), at: performance.now() }
  await work()
  return {
    operations,
    cpuSeconds: cpu() - before.cpu,
    wallSeconds: (performance.now() - before.at) / 1000,
  }
}

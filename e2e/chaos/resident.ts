/** Memory of a process as the kernel counts it. */
import { readFileSync } from 'node:fs'

/** MiB that are in memory. */
export function residentMegabytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  if (!found) throw new Error(`process ${pid} tells no VmRSS`)
  return Number(found[1]) / 1024
}

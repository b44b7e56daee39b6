/** Load in an open loop: arrivals do not wait for answers. A process of its own makes it. */
import { join } from 'node:path'
import { run } from '#tools/shell.ts'
import { root } from '#tools/workspace.ts'

export interface Load {
  port: number
  /** Arrivals, evenly spread. */
  perSecond: number
  seconds: number
  /** Stands in each record, with its number. Letters only. */
  name: string
  /** About so many bytes for each record. */
  bytes: number
}

/** How the load fared. Times count from when a request was due, not from when it could be sent. */
export interface Offered {
  /** Requests that were due. */
  arrived: number
  /** Answers by status; 0 for connections that broke. */
  statuses: Readonly<Record<string, number>>
  /** Requests without an answer at the end. */
  unanswered: number
  milliseconds: { p50: number; p99: number; p999: number; max: number }
  /** From the first arrival to the last answer. */
  seconds: number
  /** Of the process that made the load. */
  cpuSeconds: number
}

/** What is lost to its start and its last answers. */
const spareMs = 60_000

export async function offer(load: Load): Promise<Offered> {
  const program = join(root, 'e2e/bench/sustained/generator.ts')
  const env = { ...process.env, LOAD: JSON.stringify(load) }
  const timeoutMs = load.seconds * 1000 + spareMs
  return JSON.parse(await run(process.execPath, [program], { env, timeoutMs })) as Offered
}

/** A queue in the hands of a test: time and the end of each run are the test's to give. */

import { createQueue, type QueueMetrics, type Verdict } from '../queue.ts'
import { FakeClock } from './fake-clock.ts'

interface Run {
  key: string
  end(verdict: Verdict | 'rejects'): Promise<void>
}

export const done: Verdict = { kind: 'done' }
export const failed: Verdict = { kind: 'failed' }

/** A queue whose runs end when the test says so. Waits are the upper end of the back-off: 100, 200, 400, 800. */
export function queueWorld({ workers = 2, started = true, maxMs = 800 } = {}) {
  const clock = new FakeClock()
  const counted: string[] = []
  const metrics: QueueMetrics = {
    depth: keys => counted.push(`depth ${keys}`),
    waited: seconds => counted.push(`waited ${seconds}`),
    worked: seconds => counted.push(`worked ${seconds}`),
    retried: () => counted.push('retried'),
  }
  const queue = createQueue({
    workers,
    clock,
    random: () => 1,
    backoff: { baseMs: 100, maxMs },
    metrics,
  })
  const running: Run[] = []
  const starts: string[] = []
  const work = (key: string): Promise<Verdict> => {
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
    starts.push(key)
    const run: Run = {
      key,
      async end(verdict) {
        running.splice(running.indexOf(run), 1)
        if (verdict === 'rejects') reject(new Error('as told'))
        else resolve(verdict)
        await settled()
      },
    }
    running.push(run)
    return promise
  }
  if (started) queue.start(work)
  const end = async (key: string, verdict: Verdict | 'rejects'): Promise<void> => {
    const run = running.find(each => each.key === key)
    if (run === undefined) throw new Error(`${key} does not run`)
    await run.end(verdict)
  }
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await settled()
  }
  return { queue, clock, running, starts, counted, end, advance, start: () => queue.start(work) }
}

/** Lets everything that is due in this turn happen. */
export const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** What a writer finds out about itself every few seconds: lag and load; and what it tells Kafka. */
import type { Histogram } from 'prom-client'
import { progressText } from '#dataservice/contract/writer-progress.ts'
import type { LogConsumer } from '#dataservice/platform/kafka/port.ts'
import type { Assignment } from './assignment.ts'
import type { LaneLimits } from './buffer.ts'
import { LoadMeter } from './load.ts'
import type { WriterMetrics } from './metrics.ts'

/** How often lag is measured, Kafka is told the positions, held records are looked after, and positions are verified. */
const reportMs = 5_000
/** How long a partition may take to say what waits in it. */
const answerMs = 3_000

export interface ReportsOptions {
  consumer: Pick<LogConsumer, 'hint' | 'range' | 'recordAt'>
  assignment: Pick<Assignment, 'release' | 'positions' | 'verify'>
  metrics: Pick<WriterMetrics, 'lag' | 'lagAge' | 'commitSeconds' | 'batchRecords'>
  limits: Pick<LaneLimits, 'maxRecords'>
}

export interface Reports {
  /** The text at `/progress`: positions of now, load of the last round. */
  progress(): string
  stop(): void
}

export function startReports(options: ReportsOptions): Reports {
  const meter = new LoadMeter(options.limits.maxRecords)
  const { assignment } = options
  // Apart, so that a Kafka that is away does not hide what became of the database, nor the other way round.
  const stops = [repeat(() => round(options, meter)), repeat(() => assignment.verify())]
  return {
    progress() {
      const load = meter.load()
      return progressText({ stored: assignment.positions(), ...(load && { load }) })
    },
    stop() {
      for (const stop of stops) stop()
    },
  }
}

/** One round at a time, until the answer is called. */
function repeat(work: () => Promise<void>): () => void {
  let busy = false
  const begin = (): void => {
    if (busy) return
    busy = true
    work()
      .catch(() => undefined) // the consumer stopped meanwhile
      .finally(() => {
        busy = false
      })
  }
  const timer = setInterval(begin, reportMs)
  return () => clearInterval(timer)
}

/** Measures the lag of each partition and gives Kafka the positions as a hint. */
async function round({ consumer, assignment, metrics }: ReportsOptions, meter: LoadMeter): Promise<void> {
  assignment.release()
  const positions = assignment.positions()
  await consumer.hint(positions)
  const measured = await Promise.all(
    [...positions].map(async ([partition, nextOffset]) => {
      const seen = await look(consumer, partition, nextOffset)
      return seen && assignment.positions().has(partition) ? [{ partition, nextOffset, ...seen }] : []
    }),
  )
  const partitions = new Map<number, { stored: bigint; end: bigint }>()
  let waitingSeconds = 0
  for (const { partition, nextOffset, end, ageSeconds } of measured.flat()) {
    metrics.lag.set({ partition }, Math.max(0, Number(end - nextOffset)))
    metrics.lagAge.set({ partition }, ageSeconds)
    partitions.set(partition, { stored: nextOffset, end })
    waitingSeconds = Math.max(waitingSeconds, ageSeconds)
  }
  const [commits, commitSeconds] = await totals(metrics.commitSeconds)
  const [, committed] = await totals(metrics.batchRecords)
  const activeMs = performance.eventLoopUtilization().active
  meter.add({
    at: performance.now(),
    partitions,
    waitingSeconds,
    commits,
    commitSeconds,
    committed,
    activeMs,
  })
}

/** What waits in a partition; undefined where its leader does not tell in time, which is no reason not to look at others. */
async function look(
  consumer: ReportsOptions['consumer'],
  partition: number,
  nextOffset: bigint,
): Promise<{ end: bigint; ageSeconds: number } | undefined> {
  const signal = AbortSignal.timeout(answerMs)
  try {
    const { end } = await consumer.range(partition, signal)
    const oldest = end > nextOffset ? await consumer.recordAt(partition, nextOffset, signal) : undefined
    const ageSeconds = oldest === undefined ? 0 : Math.max(0, Date.now() - oldest.timestamp) / 1000
    return { end, ageSeconds }
  } catch (cause) {
    if (signal.aborted) return undefined
    throw cause
  }
}

/** How often something was observed, and the sum of it. */
async function totals(histogram: Histogram): Promise<[count: number, sum: number]> {
  const { values } = await histogram.get()
  const valueAt = (end: string): number =>
    values.find(({ metricName }) => metricName?.endsWith(end))?.value ?? 0
  return [valueAt('_count'), valueAt('_sum')]
}

/** What is measured of probe records. */
import { Counter, type Registry, Summary } from 'prom-client'
import type { ProbeOutcome } from './verdict.ts'

/** Answers who counts an outcome. */
export function probeMetrics(registry: Registry): (outcome: ProbeOutcome) => void {
  const seconds = new Summary({
    name: 'dataservice_end_to_end_seconds',
    help: 'From POST to GET of probe records that this pod sent, over the last ten minutes.',
    percentiles: [0.5, 0.99],
    maxAgeSeconds: 600,
    ageBuckets: 5,
    pruneAgedBuckets: false,
    registers: [registry],
  })
  const probes = new Counter({
    name: 'dataservice_end_to_end_probes_total',
    help: 'Probe records of this pod: passed, or where they got stuck; seen: those of another pod came through.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  return outcome => {
    if (outcome.kind === 'stuck') probes.inc({ outcome: outcome.at })
    if (outcome.kind === 'passed') probes.inc({ outcome: outcome.tookMs === undefined ? 'seen' : 'passed' })
    if (outcome.kind === 'passed' && outcome.tookMs !== undefined) seconds.observe(outcome.tookMs / 1_000)
  }
}

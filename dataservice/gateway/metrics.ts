/** What the gateway counts beside its requests. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { AccumulatorOptions } from './accumulator.ts'

/** Registers the gateway's metrics; answers the accumulator's observer. */
export function gatewayMetrics(
  registry: Registry,
  pendingBytes: () => number,
): NonNullable<AccumulatorOptions['observe']> {
  const registers = [registry]
  const records = new Counter({
    name: 'dataservice_gateway_records_total',
    help: 'Records by what became of their batch (appended, refused or unknown) and by acks (all, 1 or 0).',
    labelNames: ['outcome', 'acks'],
    registers,
  })
  const produce = new Histogram({
    name: 'dataservice_gateway_produce_duration_seconds',
    help: 'From handing a batch to the log to its outcome.',
    labelNames: ['outcome'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  const size = new Histogram({
    name: 'dataservice_gateway_batch_records',
    help: 'Records in a batch.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers,
  })
  new Gauge({
    name: 'dataservice_gateway_accumulator_bytes',
    help: 'Bytes of records that have no outcome yet.',
    registers,
    collect() {
      this.set(pendingBytes())
    },
  })
  return batch => {
    records.inc({ outcome: batch.outcome, acks: String(batch.acks) }, batch.records)
    produce.observe({ outcome: batch.outcome }, batch.seconds)
    size.observe(batch.records)
  }
}

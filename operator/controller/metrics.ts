/** What the operator counts about itself, for Prometheus. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { TransportOptions } from '#operator/cluster/transport.ts'
import { copyTime } from '#operator/reconcile/operations/last-copy.ts'
import type { Deps } from '#operator/reconcile/reconcile.ts'
import type { ControllerOptions } from './controller.ts'
import type { QueueMetrics } from './queue.ts'

export interface OperatorMetrics {
  queue: QueueMetrics
  /** Shows from now on whether this process leads. */
  leading(leads: () => boolean): void
  onOutcome: NonNullable<ControllerOptions['onOutcome']>
  onCopy: NonNullable<Deps['onCopy']>
  /** Another operator may have led since: the next runs tell what there is. */
  forgetCopies(): void
  onAnswer: NonNullable<TransportOptions['onAnswer']>
}

const seconds = [0.005, 0.02, 0.1, 0.5, 1, 5, 30, 120]

export function operatorMetrics(registry: Registry): OperatorMetrics {
  const registers = [registry]
  const named = (name: string, help: string) => ({ name: `dataservice_operator_${name}`, help, registers })
  const depth = new Gauge(named('queue_depth', 'DataServices that wait for a worker.'))
  const waits = new Histogram({
    ...named('queue_wait_seconds', 'From the time a DataService was due to the start of its run.'),
    buckets: seconds,
  })
  const runs = new Histogram({ ...named('run_seconds', 'Length of a run of the loop.'), buckets: seconds })
  const retries = new Counter(
    named('queue_retries_total', 'Runs that failed and are tried again after a wait.'),
  )
  const outcomes = new Counter({
    ...named('runs_total', 'Runs of the loop by outcome.'),
    labelNames: ['outcome'],
  })
  const requests = new Histogram({
    ...named(
      'api_request_seconds',
      'Requests to the API server up to the head of the answer; status 0: none came.',
    ),
    buckets: seconds,
    labelNames: ['method', 'status'],
  })
  let isLeading = (): boolean => true
  const copies = copyGauges(registers, () => isLeading())
  const showLeading = (leads: () => boolean): void => {
    isLeading = leads
    const gauge: Gauge = new Gauge({
      ...named('leading', '1 while this process may write, 0 while another one does.'),
      collect: () => gauge.set(leads() ? 1 : 0),
    })
  }
  return {
    leading: showLeading,
    queue: {
      depth: keys => depth.set(keys),
      waited: value => waits.observe(value),
      worked: value => runs.observe(value),
      retried: () => retries.inc(),
    },
    onOutcome: outcome => outcomes.inc({ outcome }),
    ...copies,
    onAnswer: (method, status, value) => requests.observe({ method, status: String(status) }, value),
  }
}

/** Of the newest copy of each database that has one. Who does not lead would tell an old one for ever. */
function copyGauges(
  registers: Registry[],
  leads: () => boolean,
): Pick<OperatorMetrics, 'onCopy' | 'forgetCopies'> {
  const gaugeOf = (name: string, help: string): Gauge<'namespace' | 'name'> => {
    const gauge: Gauge<'namespace' | 'name'> = new Gauge({
      ...{ name, help, registers, labelNames: ['namespace', 'name'] as const },
      collect: () => (leads() ? undefined : gauge.reset()),
    })
    return gauge
  }
  const times = gaugeOf(
    'dataservice_backup_time_seconds',
    'When the newest copy of the database was made, in seconds since 1970.',
  )
  const sizes = gaugeOf('dataservice_backup_bytes', 'What the newest copy of the database takes.')
  return {
    onCopy({ namespace, name }, copy) {
      const time = copy && copyTime(copy.name)
      if (copy === undefined || time === undefined) {
        for (const gauge of [times, sizes]) gauge.remove({ namespace, name })
        return
      }
      times.set({ namespace, name }, time)
      sizes.set({ namespace, name }, copy.bytes)
    },
    forgetCopies() {
      for (const gauge of [times, sizes]) gauge.reset()
    },
  }
}

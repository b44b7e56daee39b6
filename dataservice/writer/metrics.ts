/** What the writer measures. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export interface WriterMetrics {
  batchRecords: Histogram
  /** From the first statement to the answer of COMMIT. */
  commitSeconds: Histogram
  /** By outcome: stored, duplicate, id-conflict, key-reused, refused, held, version-conflict, absent, invalid, expired, future. */
  records: Counter<'outcome'>
  retries: Counter<'reason'>
  /** Records of the log that are not stored yet, by partition. */
  lag: Gauge<'partition'>
  /** Age of the oldest of them, in seconds. */
  lagAge: Gauge<'partition'>
  /** 1 for each partition that stopped, by reason. */
  stopped: Gauge<'partition' | 'reason'>
  /** Keys whose records wait behind a refused one, by partition. */
  heldKeys: Gauge<'partition'>
  /** Dead letters of this writer's partitions that are not in their topic yet. */
  deadLettersWaiting: Gauge
}

/** What the relay of changes measures; only where records change. */
export function changeMetrics(registry: Registry, waitingMs: () => number): { published: Counter } {
  const registers = [registry]
  new Gauge({
    name: 'dataservice_writer_changes_waiting_seconds',
    help: 'How long the oldest change waits that is not in the topic of changes yet.',
    registers,
    collect() {
      this.set(waitingMs() / 1_000)
    },
  })
  return {
    published: new Counter({
      name: 'dataservice_writer_changes_published_total',
      help: 'Changes that went to the topic of changes; after a failure some go again.',
      registers,
    }),
  }
}

export function writerMetrics(registry: Registry): WriterMetrics {
  const registers = [registry]
  return {
    batchRecords: new Histogram({
      name: 'dataservice_writer_batch_records',
      help: 'Records in one transaction.',
      buckets: [1, 10, 50, 100, 250, 500, 1000, 2000, 5000],
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'dataservice_writer_commit_seconds',
      help: 'Duration of one transaction.',
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    records: new Counter({
      name: 'dataservice_writer_records_total',
      help: 'Records whose offset was passed, by what became of them.',
      labelNames: ['outcome'],
      registers,
    }),
    retries: new Counter({
      name: 'dataservice_writer_retries_total',
      help: 'Transactions that failed and are tried again, by SQLSTATE or "lost".',
      labelNames: ['reason'],
      registers,
    }),
    ...gauges(registers),
  }
}

function gauges(
  registers: Registry[],
): Pick<WriterMetrics, 'lag' | 'lagAge' | 'stopped' | 'heldKeys' | 'deadLettersWaiting'> {
  return {
    lag: new Gauge({
      name: 'dataservice_writer_lag_records',
      help: 'Records of the log that are not in the database yet.',
      labelNames: ['partition'],
      registers,
    }),
    lagAge: new Gauge({
      name: 'dataservice_writer_lag_age_seconds',
      help: 'Age of the oldest record of the log that is not in the database yet.',
      labelNames: ['partition'],
      registers,
    }),
    stopped: new Gauge({
      name: 'dataservice_writer_partition_stopped',
      help: 'Partitions that are not written until somebody acts.',
      labelNames: ['partition', 'reason'],
      registers,
    }),
    heldKeys: new Gauge({
      name: 'dataservice_writer_held_keys',
      help: 'Keys whose records wait behind a refused one.',
      labelNames: ['partition'],
      registers,
    }),
    deadLettersWaiting: new Gauge({
      name: 'dataservice_writer_dead_letters_waiting',
      help: 'Dead letters that are not in their topic yet, as last seen; counted up to 10000.',
      registers,
    }),
  }
}

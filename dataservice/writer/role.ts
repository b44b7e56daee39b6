/** The role `writer`: reads the log and stores its records, each exactly once. */
import { randomBytes } from 'node:crypto'
import type { LogAppender, LogConsumer, LogReader } from '#dataservice/platform/kafka/port.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { tableKind } from '#dataservice/platform/postgres/partitions.ts'
import type { Cache } from '#dataservice/platform/redis/cache.ts'
import { mark } from '#dataservice/platform/redis/versioned.ts'
import { eventSource } from '#dataservice/record/envelope.ts'
import { requestKeyLifeMs } from '#dataservice/record/request-key.ts'
import { Assignment } from './assignment.ts'
import { laneLimits, storingOrder } from './hash-batches.ts'
import { versionsUpTo } from './known-versions.ts'
import { changeMetrics, writerMetrics } from './metrics.ts'
import { startProbes } from './probes.ts'
import { DeadLetterRelay } from './relay.ts'
import { deadLetters } from './relay-store.ts'
import { startReports } from './reports.ts'
import { appending, type IngestStore, ingestStore } from './store.ts'
import { recordsTables } from './table.ts'
import { type Announce, changing } from './upsert/apply.ts'
import { ChangeRelay, type ChangeRelayOptions } from './upsert/change-relay.ts'
import { changesIn } from './upsert/change-store.ts'
import { mergeInto } from './upsert/merge.ts'

export interface WriterPorts {
  consumer: LogConsumer
  /** Opens the topic of dead letters; waits until it can be reached. */
  openDeadLetters(signal: AbortSignal): Promise<LogAppender>
  /** As the writer. */
  database: Database
  /** Only where records change. */
  changing?: ChangingPorts
  /** Records that only tell whether the service works; absent: there are none. */
  probes?: LogReader
}

export interface ChangingPorts {
  /** What readers share. */
  cache: Pick<Cache, 'setNewest'>
  /** Opens the topic of changes; waits until it can be reached. */
  openChanges(signal: AbortSignal): Promise<LogAppender>
}

export async function start(
  context: RoleContext,
  { consumer, database, openDeadLetters, changing: ports, probes: probeLog }: WriterPorts,
): Promise<Running> {
  const { settings, record, log, metrics: registry, podName } = context
  const metrics = writerMetrics(registry)
  const clock = { now: () => performance.timeOrigin + performance.now(), random: Math.random }
  const limits = laneLimits(settings.partitioning)
  const relay = new DeadLetterRelay({
    letters: deadLetters(database, settings.log.eventsTopic),
    partitions: () => [...assignment.positions().keys()],
    open: openDeadLetters,
    waiting: metrics.deadLettersWaiting,
    log,
    clock,
  })
  const claimedBy = `${podName}-${randomBytes(6).toString('hex')}`
  const changes = ports && changeRelay(context, claimedBy, { database, ...ports, clock })
  const assignment: Assignment = new Assignment({
    consumer,
    store: storeOf(context, database, ports),
    knownVersions: () => versionsUpTo(database, record),
    topic: settings.log.eventsTopic,
    claimedBy,
    partitioning: settings.partitioning,
    limits,
    metrics,
    log,
    clock,
    holdsKeys: settings.onError === 'HoldKey',
    deadLetters: () => relay.wake(),
    ...(changes && { changes }),
  })
  const reports = startReports({ consumer, assignment, metrics, limits })
  storeProbes(context, { log: probeLog, database, assignment })
  let stopping = false
  return {
    notReady: () => assignment.notReady(),
    progress: () => reports.progress(),
    behindService: false,
    async stop() {
      stopping = true
      reports.stop()
      await Promise.all([consumer.stop(), relay.stop(), changes?.stop()])
    },
    done: endOf(Promise.race([consumer.run(assignment), assignment.failed]), () => stopping),
  }
}

interface ProbeParts {
  log: LogReader | undefined
  database: Database
  assignment: Assignment
}

function storeProbes({ log: logger, onClose }: RoleContext, { log, database, assignment }: ProbeParts): void {
  if (log === undefined) return
  const partitions = () => new Set(assignment.positions().keys())
  const probes = startProbes({ log, database, partitions, logger, now: Date.now })
  onClose('probes', () => probes.stop())
}

function storeOf(
  { settings: { partitioning, log }, record }: RoleContext,
  database: Database,
  ports: ChangingPorts | undefined,
): IngestStore {
  const table = recordsTables[tableKind(partitioning)]
  const apply =
    table.by === 'Upsert'
      ? changing(mergeInto(record), announceTo(ports?.cache))
      : appending(table, storingOrder(partitioning))
  return ingestStore(database, table, requestKeyLifeMs(log.retentionMs), apply)
}

function changeRelay(
  { settings, metrics, log }: RoleContext,
  claimedBy: string,
  ports: Pick<ChangeRelayOptions, 'clock'> & Pick<WriterPorts, 'database'> & ChangingPorts,
): ChangeRelay {
  const { database, openChanges: open, clock } = ports
  const { published } = changeMetrics(metrics, () => relay.waitingMs)
  const source = eventSource(settings)
  const changes = changesIn({ database, source, topic: settings.log.eventsTopic, claimedBy })
  const relay: ChangeRelay = new ChangeRelay({ changes, open, published, log, clock })
  return relay
}

/**
 * Readers must not give what is about to be replaced. They are told before the commit, so that no kill falls in between:
 * a version that does not come to be only makes them ask Postgres for a while. Nothing waits for Redis.
 */
const announceTo =
  (cache: ChangingPorts['cache'] | undefined): Announce =>
  changed =>
    cache?.setNewest(
      changed.map(({ row: { id }, version }) => mark(id, version)),
      { onlyNewer: true },
    )

/** A server has no end of its own; one that nobody asked for is a failure. */
async function endOf(work: Promise<void>, isWanted: () => boolean): Promise<never> {
  const reason: unknown = await work.then(
    () => new Error('the consumer ended by itself'),
    error => error,
  )
  return isWanted() ? new Promise(() => {}) : Promise.reject(reason)
}

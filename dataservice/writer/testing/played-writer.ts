/** A writer over a log that a test plays by hand, with a real database behind it. */
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { onTestFinished } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { LogRange, Offset } from '#dataservice/platform/kafka/port.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { type PostgresProxy, startPostgresProxy } from '#dataservice/platform/postgres/testing/proxy.ts'
import { engines } from '#e2e/engines/inject.ts'
import type { MigratedService } from '#e2e/engines/migrated-database.ts'
import { Assignment, type AssignmentOptions } from '../assignment.ts'
import type { ChangeListener } from '../change-listener.ts'
import { type WriterMetrics, writerMetrics } from '../metrics.ts'
import { ingestStore } from '../store.ts'
import { recordsTables } from '../table.ts'

export interface PlayedWriter {
  assignment: Assignment
  metrics: WriterMetrics
  /** Records counted so far, by outcome. */
  outcomes(): Promise<Record<string, number>>
  /** What it logged, from warnings up. */
  lines: readonly string[]
}

export interface PlayedOptions {
  /** Default: 0 to 1,000,000. */
  range?: LogRange
  clusterId?: string
  /** Default: one that answers with the two above. */
  consumer?: AssignmentOptions['consumer']
  maxRecords?: number
  /** Default: the one of a service whose records stay as they came. */
  store?: ReturnType<typeof ingestStore>
  /** Default: all. */
  knownVersions?: AssignmentOptions['knownVersions']
  /** Default: false. */
  holdsKeys?: boolean
  deadLetters?: () => void
  changes?: ChangeListener
  claimedBy?: string
  /** Default: that of a real one. */
  lostForMs?: number
}

/** Nothing is assigned to it yet. When the test ends it gives back what it has. */
export function playedWriter(
  { partitioning, log }: Pick<Settings, 'partitioning' | 'log'>,
  database: Database,
  options: PlayedOptions = {},
): PlayedWriter {
  const { range = { start: 0n, end: 1_000_000n }, clusterId = 'cluster', maxRecords = 500 } = options
  const { store = ingestStore(database, recordsTables[partitioning.by], 60_000), deadLetters } = options
  const { knownVersions = async () => ({ has: () => true }) } = options
  const { consumer = { clusterId: async () => clusterId, range: async () => range } } = options
  const metrics = writerMetrics(new Registry())
  const lines: string[] = []
  const assignment = new Assignment({
    consumer,
    store,
    knownVersions,
    topic: log.eventsTopic,
    claimedBy: options.claimedBy ?? randomUUID(),
    partitioning,
    limits: { maxRecords, maxBytes: 1 << 20, maxDelayMs: 1 },
    metrics,
    log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
    clock: { now: Date.now, random: Math.random },
    holdsKeys: options.holdsKeys ?? false,
    ...(deadLetters && { deadLetters }),
    ...(options.changes && { changes: options.changes }),
    ...(options.lostForMs !== undefined && { lostForMs: options.lostForMs }),
  })
  onTestFinished(() => assignment.revoked())
  const outcomes = async () => {
    const { values } = await metrics.records.get()
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels.outcome), value]))
  }
  return { assignment, metrics, outcomes, lines }
}

/** Gives partitions to a writer as the log's consumer does; answers from where it would read each. */
export async function assign(
  assignment: Assignment,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, Offset>> {
  const from = new Map<number, Offset>()
  await assignment.assigned(partitions, (partition, position) => void from.set(partition, position))
  return from
}

/** One that reaches Postgres through a proxy of its own; both end with the test. */
export async function proxiedWriter(
  service: Pick<MigratedService, 'open' | 'settings'>,
  limits: { statementTimeoutMs: number; networkGraceMs: number },
  optionsOver: (database: Database) => PlayedOptions = () => ({}),
): Promise<PlayedWriter & { proxy: PostgresProxy }> {
  const proxy = await startPostgresProxy(engines().postgres)
  const database = service.open('writer', { port: proxy.port, ...limits })
  onTestFinished(async () => {
    await proxy.close()
    await database.close()
  })
  return { ...playedWriter(service.settings, database, optionsOver(database)), proxy }
}

/** The role `gateway`: HTTP in, records into the log; questions go on to the reader. */
import { randomFillSync } from 'node:crypto'
import { credentialFiles, type Role } from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Asset, DocsAsset } from '#dataservice/platform/http/docs-assets.ts'
import { innerKey } from '#dataservice/platform/http/inner-key.ts'
import { makeServer, type ServerOptions } from '#dataservice/platform/http/server.ts'
import type { LogAppender, LogLag, LogReader } from '#dataservice/platform/kafka/port.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { tableKind, timedTable } from '#dataservice/platform/postgres/partitions.ts'
import { eventSource } from '#dataservice/record/envelope.ts'
import { liftingTo } from '#dataservice/record/lifting.ts'
import { toldMs } from '#dataservice/record/outcome-life.ts'
import { requestKeyLifeMs } from '#dataservice/record/request-key.ts'
import { signingKey } from '#dataservice/record/signing-key.ts'
import { uuid7Maker } from '#dataservice/record/uuid7.ts'
import { Accumulator } from './accumulator.ts'
import { type GatewayPorts, gateway } from './app.ts'
import { byteBudget } from './budget.ts'
import { type KeySources, startCallers } from './callers/start.ts'
import { changesOf, type Following, makeFollowing, storedRecordsOf } from './changes/following.ts'
import { changeHeaders } from './event-headers.ts'
import { keptAnswers, keptBytes } from './kept-answers.ts'
import { startLogGuard } from './log-guard.ts'
import { gatewayMetrics } from './metrics.ts'
import { type ProbePorts, probeLog } from './probes.ts'
import type { ReaderPort } from './reader-port.ts'
import { postingRules } from './schema-version.ts'
import type { SubmissionRules } from './submission.ts'
import { tokens } from './tokens.ts'

export interface GatewayRolePorts {
  appender: LogAppender
  reader: ReaderPort
  lag: LogLag
  /** The log, for those who follow it; where records change, the topic of changes. */
  follow: LogReader
  /** A file of the page `/docs`. */
  asset(name: DocsAsset): Promise<Asset>
  listen: { port: number; host?: string }
  /** Where readers bring probe records, where hops are encrypted. */
  inner?: { port: number; host?: string }
  /** Where the keys of callers come from. */
  keys?: KeySources
  /** Opens the topic of probe records; absent: there is none. */
  openProbes?: () => Promise<LogAppender>
}

/** Request bodies in memory: a fifth of the standard profile's limit. */
const maxBodiesBytes = 96 * 1024 * 1024
/** A clock further off makes ids that sort wrongly and dates that mislead. */
const maxSkewMs = 1_000

export async function start(
  context: RoleContext,
  { appender, reader, lag, follow, asset, keys = {}, openProbes, ...at }: GatewayRolePorts,
): Promise<Running> {
  const { settings, log, metrics } = context
  const accumulator: Accumulator = new Accumulator({ appender, observe: batch => observe(batch) })
  const observe = gatewayMetrics(metrics, () => accumulator.bytes)
  const { app, listen: serve, drain, isDraining } = makeServer(serverOptions(context, at))
  const source = eventSource(settings)
  const guard = startLogGuard({ lag, retentionMs: settings.log.retentionMs, metrics, log, now: Date.now })
  const callers = await startCallers(context, keys)
  const following = followingOf(context, follow, reader)
  await app.register(gateway, {
    ...callers.ports,
    maxKeyAgeMs: maxKeyAgeMs(settings),
    accumulator,
    replicas: () => appender.replicas,
    isLogFull: guard.isFull,
    isDraining,
    reader: withMemory(context, reader),
    following,
    tokens: tokens(signingKey(context.credential(credentialFiles.cursorKey)), () => appender.logId),
    asset,
    ...ofMode(context, source),
    ...(openProbes && { probes: probePorts(context, openProbes) }),
    budget: byteBudget(maxBodiesBytes),
    now: Date.now,
    rules: rulesOf(context, source, appender),
  })
  await serve(at.listen)
  return {
    notReady: () => clockProblem(appender.clockSkewMs()),
    behindService: true,
    drain,
    async stop() {
      guard.stop()
      callers.stop()
      await following.streams.stop()
      await app.close()
      await accumulator.flush()
    },
    done: new Promise(() => {}),
  }
}

function withMemory({ settings, metrics }: RoleContext, reader: ReaderPort): ReaderPort {
  const maxBytes = settings.cache.localBytes ?? keptBytes
  return keptAnswers({ reader, maxBytes, metrics, now: () => performance.now() })
}

function followingOf(
  { settings, record, metrics, log }: RoleContext,
  follow: LogReader,
  reader: ReaderPort,
): Following {
  const { changesTopic, retentionMs } = settings.log
  const oldest = () => Date.now() - toldMs(retentionMs)
  const lifting = liftingTo(record.versions)
  return makeFollowing({
    ...(changesTopic === undefined
      ? storedRecordsOf({ log: follow, reader, oldest, lifting })
      : changesOf({ log: follow, lifting })),
    metrics,
    warn: cause => log.warn({ err: cause }, 'streams broke off; their clients come again'),
  })
}

/** A key is remembered for a while, and its record may be dropped earlier. */
function maxKeyAgeMs({ log, partitioning }: Settings): number {
  const retainMs = timedTable(partitioning)?.retainMs
  return Math.min(requestKeyLifeMs(log.retentionMs), retainMs ?? Number.POSITIVE_INFINITY)
}

function rulesOf(
  { settings, record, metrics }: RoleContext,
  source: string,
  appender: Pick<LogAppender, 'partitions'>,
): SubmissionRules {
  const declared = settings.record.versions
  return {
    ...postingRules({ record, declared, source, now: Date.now(), metrics }),
    get partitions() {
      return appender.partitions
    },
    newId: uuid7Maker({ now: Date.now, random: bytes => void randomFillSync(bytes) }),
    isChanging: tableKind(settings.partitioning) === 'Upsert',
  }
}

/** What follows from whether records change. */
function ofMode({ settings, record }: RoleContext, source: string): Pick<GatewayPorts, 'facts' | 'commands'> {
  const { namespace, name, record: declaration, gateway: rules, partitioning } = settings
  const isChanging = tableKind(partitioning) === 'Upsert'
  return {
    facts: { namespace, name, declaration, record, isChanging, ...(rules && { rules }) },
    ...(isChanging && { commands: changeHeaders(source, record.schemaVersion) }),
  }
}

const probePorts = ({ credential }: RoleContext, open: () => Promise<LogAppender>): ProbePorts => ({
  key: innerKey(credential(credentialFiles.cursorKey), 'probes'),
  log: probeLog(open),
})

function serverOptions(
  { settings, log, metrics, certificates }: RoleContext,
  { inner }: Pick<GatewayRolePorts, 'inner'>,
): ServerOptions {
  const { maxBodyBytes } = settings.gateway ?? {}
  const caller: Role = 'reader'
  return {
    log,
    metrics,
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    ...(certificates && inner && { door: { certificates, caller, ...inner } }),
  }
}

function clockProblem(skewMs: number | undefined): string | undefined {
  if (skewMs === undefined || Math.abs(skewMs) <= maxSkewMs) return undefined
  return `the clock is ${Math.round(-skewMs)} ms ahead of the brokers': set the node's time`
}

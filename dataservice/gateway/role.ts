/** The role `gateway`: HTTP in, records into the log; questions go on to the reader. */
import { randomFillSync } from 'node:crypto'
import { credentialFiles } from '#dataservice/contract/names.ts'
import type { Asset, DocsAsset } from '#dataservice/platform/http/docs-assets.ts'
import { makeServer } from '#dataservice/platform/http/server.ts'
import type { LogAppender, LogLag } from '#dataservice/platform/kafka/port.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { requestKeyLifeMs } from '#dataservice/record/request-key.ts'
import { signingKey } from '#dataservice/record/signing-key.ts'
import { uuid7Maker } from '#dataservice/record/uuid7.ts'
import { Accumulator } from './accumulator.ts'
import { gateway } from './app.ts'
import { byteBudget } from './budget.ts'
import { startLogGuard } from './log-guard.ts'
import { gatewayMetrics } from './metrics.ts'
import type { ReaderPort } from './reader-port.ts'
import { constantHeaders } from './submission.ts'
import { tokens } from './tokens.ts'

export interface GatewayRolePorts {
  appender: LogAppender
  reader: ReaderPort
  lag: LogLag
  /** A file of the page `/docs`. */
  asset(name: DocsAsset): Promise<Asset>
  listen: { port: number; host?: string }
}

/** Request bodies in memory: a fifth of the standard profile's limit. */
const maxBodiesBytes = 96 * 1024 * 1024
/** A clock further off makes ids that sort wrongly and dates that mislead. */
const maxSkewMs = 1_000

export async function start(
  context: RoleContext,
  { appender, reader, lag, asset, listen }: GatewayRolePorts,
): Promise<Running> {
  const { settings, record, log, metrics } = context
  const accumulator: Accumulator = new Accumulator({ appender, observe: batch => observe(batch) })
  const observe = gatewayMetrics(metrics, () => accumulator.bytes)
  const { app, listen: serve, drain, isDraining } = makeServer({ log, metrics })
  const source = `/dataservices/${settings.namespace}/${settings.name}`
  const guard = startLogGuard({ lag, retentionMs: settings.log.retentionMs, metrics, log, now: Date.now })
  const { partitioning } = settings
  const retainMs = partitioning.by === 'Time' ? partitioning.retainMs : undefined
  await app.register(gateway, {
    maxKeyAgeMs: Math.min(requestKeyLifeMs(settings.log.retentionMs), retainMs ?? Number.POSITIVE_INFINITY),
    accumulator,
    replicas: () => appender.replicas,
    isLogFull: guard.isFull,
    isDraining,
    reader,
    tokens: tokens(signingKey(context.credential(credentialFiles.cursorKey)), () => appender.logId),
    asset,
    facts: { namespace: settings.namespace, name: settings.name, declaration: settings.record, record },
    budget: byteBudget(maxBodiesBytes),
    now: Date.now,
    rules: {
      record,
      get partitions() {
        return appender.partitions
      },
      newId: uuid7Maker({ now: Date.now, random: bytes => void randomFillSync(bytes) }),
      constantHeaders: constantHeaders(source, record.schemaVersion),
    },
  })
  await serve(listen)
  return {
    notReady: () => clockProblem(appender.clockSkewMs()),
    behindService: true,
    drain,
    async stop() {
      guard.stop()
      await app.close()
      await accumulator.flush()
    },
    done: new Promise(() => {}),
  }
}

function clockProblem(skewMs: number | undefined): string | undefined {
  if (skewMs === undefined || Math.abs(skewMs) <= maxSkewMs) return undefined
  return `the clock is ${Math.round(-skewMs)} ms ahead of the brokers': set the node's time`
}

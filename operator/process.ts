/** The operator's process behind its adapters: what runs until a signal ends it. */
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import product from '../package.json' with { type: 'json' }
import type { Access } from './cluster/access.ts'
import { kubernetesCluster } from './cluster/kubernetes.ts'
import { checkKubernetes } from './cluster/kubernetes-version.ts'
import type { Log } from './cluster/log.ts'
import type { ClusterPort } from './cluster/port.ts'
import { createTransport, type Transport } from './cluster/transport.ts'
import { idleClock } from './controller/clock.ts'
import type { Controller } from './controller/controller.ts'
import { collector, givesBack } from './controller/give-back.ts'
import { type OperatorMetrics, operatorMetrics } from './controller/metrics.ts'
import type { QueueMetrics } from './controller/queue.ts'
import { startOperator } from './operator.ts'
import type { ReadinessPort } from './pods/port.ts'
import { revisionOf } from './reconcile/upgrade/stand.ts'
import type { OperatorSettings } from './settings.ts'
import { startTelemetry } from './telemetry.ts'
import type { TopicsPort } from './topics/port.ts'

/** What the process talks to. */
export interface Outside {
  access: Access
  /** How logs are asked; certificates stand in Secrets of the cluster. */
  topics: (cluster: Pick<ClusterPort, 'get'>) => TopicsPort
  readiness: ReadinessPort
}

/** A shutdown that takes longer ends the process; the next one picks up from what the cluster holds. */
const shutdownMs = 25_000

/** Works until SIGTERM or SIGINT, then ends orderly. */
export async function runProcess(settings: OperatorSettings, outside: Outside): Promise<void> {
  const log = pino({
    level: settings.logLevel,
    base: { app: 'dataservice-operator' },
    timestamp: pino.stdTimeFunctions.isoTime,
  })
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const metrics = operatorMetrics(registry)
  const revision = revisionOf(product.version, settings.images)
  const transport = createTransport({
    access: outside.access,
    version: product.version,
    onAnswer: metrics.onAnswer,
  })
  let notReady: string | undefined = 'which Kubernetes this is is not known yet'
  const telemetry = await startTelemetry({ port: settings.telemetryPort, registry, notReady: () => notReady })
  const ending = endOnSignal(log)
  try {
    await checkKubernetes({ transport, log, signal: ending })
    if (ending.aborted) return
    notReady = 'the watched copies are not complete yet'
    const controller = begin(settings, outside, { transport, metrics, revision, log })
    controller.started.then(
      () => {
        notReady = undefined
        log.info({ version: product.version, revision, images: settings.images }, 'the operator is working')
      },
      () => {}, // stopped before it began
    )
    await aborted(ending)
    notReady = 'ending'
    await controller.stop()
  } finally {
    await transport.close()
    await telemetry.close()
  }
}

interface Inside {
  transport: Transport
  metrics: OperatorMetrics
  revision: string
  log: Log
}

function begin(settings: OperatorSettings, outside: Outside, inside: Inside): Controller {
  const { transport, metrics, revision, log } = inside
  const cluster = clusterOf(settings, transport, log)
  return startOperator({
    ...settings,
    ...outside,
    revision,
    cluster,
    topics: outside.topics(cluster),
    metrics: { ...metrics, queue: givingBack(metrics.queue) },
    log,
    classes: settings.namespace === undefined, // a Role reaches no further than its namespace
    // A restarted container is another candidate than the one before it.
    ...(settings.own && {
      election: { namespace: settings.own.namespace, identity: `${settings.own.pod}_${randomUUID()}` },
    }),
  })
}

/** Memory is given back when many keys have been served. */
function givingBack(queue: QueueMetrics): QueueMetrics {
  const collect = collector()
  if (collect === undefined) return queue
  const heard = givesBack({ clock: idleClock, collect })
  return {
    ...queue,
    depth(keys) {
      queue.depth(keys)
      heard(keys)
    },
  }
}

function clusterOf({ resyncMs, own }: OperatorSettings, transport: Transport, log: Log) {
  const timing = renewing(resyncMs)
  return kubernetesCluster({ transport, log, timing, ...(own && { instance: own.pod }) })
}

/** A watch ends within the resync, and the copy is then compared with the cluster. */
const renewing = (resyncMs: number) => ({
  watchSeconds: { least: resyncMs / 2000, most: resyncMs / 1000 },
  renewMs: resyncMs / 2,
})

/** Aborted by the first SIGTERM or SIGINT; a process that is still there some time later is ended. */
function endOnSignal(log: Log): AbortSignal {
  const ending = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'ending')
      setTimeout(() => process.exit(1), shutdownMs).unref()
      ending.abort()
    })
  }
  return ending.signal
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Runs it; why it could not begin is told to people, and is the exit code. */
export async function endWell(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    console.error(`operator: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}

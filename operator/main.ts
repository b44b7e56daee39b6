/** The operator's process: settings, adapters, signals; nothing else. */
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import product from '../package.json' with { type: 'json' }
import { accessFromEnvironment } from './cluster/access.ts'
import { kubernetesCluster } from './cluster/kubernetes.ts'
import { createTransport } from './cluster/transport.ts'
import { operatorMetrics } from './controller/metrics.ts'
import { startOperator } from './operator.ts'
import { httpReadiness } from './pods/http.ts'
import { type OperatorSettings, readSettings } from './settings.ts'
import { startTelemetry } from './telemetry.ts'
import { kafkaTopics } from './topics/kafka.ts'

/** A shutdown that takes longer ends the process; the next one picks up from what the cluster holds. */
const shutdownMs = 25_000

async function run(settings: OperatorSettings): Promise<void> {
  const log = pino({
    level: settings.logLevel,
    base: { app: 'dataservice-operator' },
    timestamp: pino.stdTimeFunctions.isoTime,
  })
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const metrics = operatorMetrics(registry)
  const transport = createTransport({
    access: accessFromEnvironment(),
    version: product.version,
    onAnswer: metrics.onAnswer,
  })
  const { own } = settings
  const controller = startOperator({
    cluster: kubernetesCluster({ transport, log, ...(own === undefined ? {} : { instance: own.pod }) }),
    topics: kafkaTopics(),
    readiness: httpReadiness(),
    images: settings.images,
    metrics,
    log,
    workers: settings.workers,
    classes: settings.namespace === undefined, // a Role reaches no further than its namespace
    ...(settings.namespace === undefined ? {} : { namespace: settings.namespace }),
    // A restarted container is another candidate than the one before it.
    ...(own === undefined
      ? {}
      : { election: { namespace: own.namespace, identity: `${own.pod}_${randomUUID()}` } }),
  })
  let notReady: string | undefined = 'the watched copies are not complete yet'
  const telemetry = await startTelemetry({ port: settings.telemetryPort, registry, notReady: () => notReady })
  controller.started.then(
    () => {
      notReady = undefined
      log.info({ version: product.version, images: settings.images }, 'the operator is working')
    },
    () => {}, // stopped before it began
  )
  const signal = await firstSignal()
  log.info({ signal }, 'ending')
  notReady = 'ending'
  setTimeout(() => process.exit(1), shutdownMs).unref()
  await controller.stop()
  await transport.close()
  await telemetry.close()
}

const firstSignal = (): Promise<NodeJS.Signals> =>
  new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve)
  })

try {
  await run(readSettings(process.env))
} catch (error) {
  console.error(`operator: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

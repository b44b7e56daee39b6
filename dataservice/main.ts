/**
 * The data plane: `node main.ts <role>`. Reads the settings, builds the adapters of that role, and runs it until it
 * is done or told to stop. Only what a role needs is loaded, so that its pods start sooner.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Role } from '#dataservice/contract/names.ts'
import { judgeRecord } from '#dataservice/contract/record-schema.ts'
import { parseSettings } from '#dataservice/contract/settings.ts'
import { type Environment, readEnvironment } from '#dataservice/platform/environment.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { live, stopRequests } from '#dataservice/platform/process.ts'
import { makeLog } from '#dataservice/platform/telemetry/log.ts'
import { makeMetrics } from '#dataservice/platform/telemetry/metrics.ts'
import { startTelemetry } from '#dataservice/platform/telemetry/server.ts'
import { watchCertificates } from '#dataservice/platform/tls/certificates.ts'

interface Composed {
  start(context: RoleContext, environment: Environment): Promise<Running>
}

/** How each role gets its adapters; nothing else builds adapters. */
const composed: Readonly<Record<Role, () => Promise<Composed>>> = {
  gateway: () => import('./compose/gateway.ts'),
  writer: () => import('./compose/writer.ts'),
  reader: () => import('./compose/reader.ts'),
  migrate: () => import('./compose/migrate.ts'),
  maintain: () => import('./compose/maintain.ts'),
  remove: () => import('./compose/remove.ts'),
  retire: () => import('./compose/retire.ts'),
}

async function main(): Promise<number> {
  const environment = readEnvironment(process.argv.slice(2), process.env)
  const { role, podName, logLevel: level, credentialsPath } = environment
  const stops = stopRequests(process)
  const { start } = await composed[role]()
  const settings = parseSettings(readFileSync(environment.settingsPath, 'utf8'))
  const log = makeLog({ role, service: `${settings.namespace}/${settings.name}`, pod: podName, level })
  const metrics = makeMetrics()
  const credential = (file: string) => readFileSync(join(credentialsPath, file), 'utf8').replace(/\n$/, '')
  const certificates =
    settings.tls && watchCertificates({ folder: environment.certificatesPath, log, metrics })
  const given = { settings, credential, log, metrics, podName, ...(certificates && { certificates }) }
  const { exitCode, notReady, progress } = live({
    start: life => start(withRecord({ ...life, ...given }), environment),
    stops,
    log,
    drainMs: environment.drainMs,
  })
  const telemetry = await startTelemetry({ metrics, notReady, progress, port: environment.telemetryPort })
  const code = await exitCode
  await telemetry.close()
  return code
}

/** The record is judged when somebody first asks for it: what is declared keeps nobody from taking a service away. */
function withRecord(context: Omit<RoleContext, 'record'>): RoleContext {
  let record: RoleContext['record'] | undefined
  return {
    ...context,
    get record() {
      record ??= acceptedRecord(context)
      return record
    },
  }
}

function acceptedRecord({ settings, log }: Pick<RoleContext, 'settings' | 'log'>): RoleContext['record'] {
  const verdict = judgeRecord(settings.record)
  if (verdict.kind === 'accepted') return verdict.record
  log.fatal({ problems: verdict.problems }, 'the record declaration cannot be used')
  throw new Error('the record declaration cannot be used')
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    return 1
  }),
)

/**
 * Between the volume of backups and an object store: `node main.ts upload` keeps the store as the volume is,
 * `node main.ts fetch` brings back what a restore needs. It knows nothing of Postgres, and has no password of it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type MirrorSettings,
  parseMirrorSettings,
  refusedExitCode,
  storeKeys,
} from '#dataservice/contract/mirror.ts'
import { leaveReport } from '#dataservice/platform/last-words.ts'
import { type ObjectStore, StoreFailure } from '#dataservice/platform/objects/port.ts'
import { s3Store } from '#dataservice/platform/objects/s3.ts'
import { live, stopRequests } from '#dataservice/platform/process.ts'
import { makeLog } from '#dataservice/platform/telemetry/log.ts'
import { makeMetrics } from '#dataservice/platform/telemetry/metrics.ts'
import { startTelemetry } from '#dataservice/platform/telemetry/server.ts'
import { type MirrorEnvironment, readMirrorEnvironment } from './environment.ts'
import { FetchRefused, fetchNeeded } from './fetch.ts'
import { upload } from './upload.ts'
import { volumeAt } from './volume.ts'

async function main(): Promise<number> {
  process.umask(0o077) // as Postgres has it
  const environment = readMirrorEnvironment(process.argv.slice(2), process.env)
  const settings = parseMirrorSettings(readFileSync(environment.settingsPath, 'utf8'))
  const log = makeLog({
    role: `mirror-${environment.task}`,
    service: `${settings.namespace}/${settings.name}`,
    pod: environment.podName,
    level: environment.logLevel,
  })
  const store = storeOf(settings, environment)
  const ports = { store, volume: volumeAt(environment.volumePath), settings, log }
  if (environment.task === 'fetch') {
    await fetchNeeded(ports, environment.wish)
    return 0
  }
  const stops = stopRequests(process)
  const metrics = makeMetrics()
  const start = async () => upload({ ...ports, metrics, now: Date.now })
  const { exitCode, notReady } = live({ start, stops, log, drainMs: 0 })
  const telemetry = await startTelemetry({ metrics, notReady, port: environment.telemetryPort })
  const code = await exitCode
  await telemetry.close()
  return code
}

function storeOf(settings: MirrorSettings, { accessPath, authorityPath }: MirrorEnvironment): ObjectStore {
  const entry = (name: string): string => {
    const file = join(accessPath, name)
    const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
    if (text !== '') return text
    throw new StoreFailure('StoreRefused', `the Secret of spec.backup.s3.secretRef has no entry ${name}`)
  }
  return s3Store({
    ...settings,
    keys: () => ({ id: entry(storeKeys.id), secret: entry(storeKeys.secret) }),
    ...(existsSync(authorityPath) && { authority: readFileSync(authorityPath, 'utf8') }),
  })
}

process.exit(
  await main().catch((error: unknown) => {
    const text = error instanceof Error ? error.message : String(error)
    console.error(text)
    leaveReport(text)
    return error instanceof FetchRefused ? refusedExitCode : 1
  }),
)

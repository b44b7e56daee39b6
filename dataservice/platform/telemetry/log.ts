/** JSON logs, one line each, on standard output. */
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'

export interface LogOptions {
  role: string
  /** `namespace/name` of the DataService. */
  service: string
  pod: string
  /** Default `info`. */
  level?: string
  /** Default: standard output. */
  destination?: DestinationStream
}

/** Keys that never reach a log line, wherever they stand at the first three levels. */
const secretKeys = ['password', 'authorization', 'cookie', 'cursorKey', 'connectionString']

/** Makes the logger of a process. Secrets are cut out by key; nobody logs bodies of records. */
export function makeLog({ role, service, pod, level = 'info', destination }: LogOptions): Logger {
  const options = {
    level,
    base: { role, service, pod },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretKeys.flatMap(key => [key, `*.${key}`, `*.*.${key}`]), censor: '[hidden]' },
  }
  return destination ? pino(options, destination) : pino(options)
}

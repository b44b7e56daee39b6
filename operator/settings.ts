/** The operator's own settings: the environment, read once. */
import type { Images } from '#operator/desired/effective.ts'
import { type CertificateLives, lives } from '#operator/reconcile/certificates/renewal.ts'

export interface OperatorSettings {
  images: Images
  /** Only this namespace is watched; absent: all of them. */
  namespace?: string
  /** The operator's own namespace and pod: it then shares the work with others by a Lease. Absent: it is alone. */
  own?: { namespace: string; pod: string }
  workers: number
  /** How many DataServices at once may restart their pods because the operator is newer than they are. */
  maxRolling: number
  /** In this time every DataService is looked at again, and the copies of the cluster are compared with it. */
  resyncMs: number
  certificateLives: CertificateLives
  telemetryPort: number
  logLevel: string
}

const defaultImages: Omit<Images, 'dataservice'> = {
  kafka: 'apache/kafka:4.3.0',
  postgres: 'postgres:17',
  redis: 'redis:8.0',
}

/** How long a change of certificates may take to reach every pod. */
const settle = 'CERTIFICATE_SETTLE_SECONDS'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** Throws an Error that names the variable and the remedy. */
export function readSettings(environment: NodeJS.ProcessEnv): OperatorSettings {
  const value = (name: string): string | undefined => environment[name]?.trim() || undefined
  const dataservice = value('RELATED_IMAGE_DATASERVICE')
  if (dataservice === undefined) {
    throw new Error(
      'RELATED_IMAGE_DATASERVICE is not set: give the image that gateway, writer and reader run',
    )
  }
  const logLevel = value('LOG_LEVEL') ?? 'info'
  if (!logLevels.includes(logLevel))
    throw new Error(`LOG_LEVEL is '${logLevel}': use one of ${logLevels.join(', ')}`)
  const namespace = value('WATCH_NAMESPACE')
  const own = { namespace: value('POD_NAMESPACE'), pod: value('POD_NAME') }
  return {
    images: {
      dataservice,
      kafka: value('RELATED_IMAGE_KAFKA') ?? defaultImages.kafka,
      postgres: value('RELATED_IMAGE_POSTGRES') ?? defaultImages.postgres,
      redis: value('RELATED_IMAGE_REDIS') ?? defaultImages.redis,
    },
    ...(namespace === undefined ? {} : { namespace }),
    ...(own.namespace === undefined || own.pod === undefined
      ? {}
      : { own: { namespace: own.namespace, pod: own.pod } }),
    workers: wholeNumber('WORKERS', value('WORKERS') ?? '4', 1, 64),
    maxRolling: wholeNumber('MAX_ROLLING', value('MAX_ROLLING') ?? '1', 1, 1_000),
    resyncMs: wholeNumber('RESYNC_SECONDS', value('RESYNC_SECONDS') ?? '600', 2, 86_400) * 1000,
    certificateLives: {
      ...lives,
      settle: wholeNumber(settle, value(settle) ?? String(lives.settle / 1000), 20, 86_400) * 1000,
    },
    telemetryPort: wholeNumber('TELEMETRY_PORT', value('TELEMETRY_PORT') ?? '9090', 0, 65_535),
    logLevel,
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new Error(`${name} is '${text}': give a whole number from ${least} to ${most}`)
}

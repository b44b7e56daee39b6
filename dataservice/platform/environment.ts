/** The one reader of `process.env` and of the arguments in the data plane. */
import { hostname } from 'node:os'
import { mounts, ports, type Role, roles, turnVariable } from '#dataservice/contract/names.ts'

export interface Environment {
  role: Role
  settingsPath: string
  credentialsPath: string
  apiKeysPath: string
  keySetPath: string
  redisAccessPath: string
  redisAuthorityPath: string
  kafkaAccessPath: string
  kafkaAuthorityPath: string
  kafkaIdentityPath: string
  postgresAccessPath: string
  postgresAuthorityPath: string
  certificatesPath: string
  /** Of the passwords. */
  turn: number
  /** How long endpoints may take to learn that this pod ends. */
  drainMs: number
  httpPort: number
  innerPort: number
  telemetryPort: number
  podName: string
  logLevel: string
}

/** Variables beside those of `mounts`; a pod needs none of them. */
const variables = {
  drainMs: 'DATASERVICE_DRAIN_MS',
  httpPort: 'DATASERVICE_HTTP_PORT',
  innerPort: 'DATASERVICE_INNER_PORT',
  telemetryPort: 'DATASERVICE_TELEMETRY_PORT',
  logLevel: 'DATASERVICE_LOG_LEVEL',
  podName: 'HOSTNAME',
} as const

const defaultDrainMs = 5_000

/** Reads what was given, or throws an Error that names what is wrong. */
export function readEnvironment(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Environment {
  const role = roles.find(known => known === args[0])
  if (role === undefined) throw new Error(`the first argument must be one of ${roles.join(', ')}`)
  return {
    role,
    settingsPath: env[mounts.settings.variable] ?? mounts.settings.path,
    credentialsPath: env[mounts.credentials.variable] ?? mounts.credentials.path,
    apiKeysPath: env[mounts.apiKeys.variable] ?? mounts.apiKeys.path,
    keySetPath: env[mounts.keySet.variable] ?? mounts.keySet.path,
    redisAccessPath: env[mounts.redisAccess.variable] ?? mounts.redisAccess.path,
    redisAuthorityPath: env[mounts.redisAuthority.variable] ?? mounts.redisAuthority.path,
    kafkaAccessPath: env[mounts.kafkaAccess.variable] ?? mounts.kafkaAccess.path,
    kafkaAuthorityPath: env[mounts.kafkaAuthority.variable] ?? mounts.kafkaAuthority.path,
    kafkaIdentityPath: env[mounts.kafkaIdentity.variable] ?? mounts.kafkaIdentity.path,
    postgresAccessPath: env[mounts.postgresAccess.variable] ?? mounts.postgresAccess.path,
    postgresAuthorityPath: env[mounts.postgresAuthority.variable] ?? mounts.postgresAuthority.path,
    certificatesPath: env[mounts.certificates.variable] ?? mounts.certificates.path,
    turn: wholeNumber(env, turnVariable, 1),
    drainMs: wholeNumber(env, variables.drainMs, defaultDrainMs),
    httpPort: wholeNumber(env, variables.httpPort, ports.http),
    innerPort: wholeNumber(env, variables.innerPort, ports.inner),
    telemetryPort: wholeNumber(env, variables.telemetryPort, ports.telemetry),
    podName: env[variables.podName] ?? hostname(),
    logLevel: env[variables.logLevel] ?? 'info',
  }
}

function wholeNumber(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  fallback: number,
): number {
  const text = env[name]
  if (text === undefined) return fallback
  if (!/^\d{1,6}$/.test(text)) throw new Error(`${name} must be a whole number, not ${JSON.stringify(text)}`)
  return Number(text)
}

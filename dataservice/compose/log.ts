/** The log as every role finds it. */
import type { OthersLog } from '#dataservice/contract/settings.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import { givenAccess } from '#dataservice/platform/files/given-access.ts'
import type { ClusterOptions } from '#dataservice/platform/kafka/cluster.ts'
import type { Login } from '#dataservice/platform/kafka/link.ts'
import type { RoleContext } from '#dataservice/platform/lifecycle.ts'
import { watchGivenTls } from '#dataservice/platform/tls/given.ts'

export type KafkaPaths = Pick<Environment, 'kafkaAccessPath' | 'kafkaAuthorityPath' | 'kafkaIdentityPath'>

/** How long a connection to others may take, with certificates and a login on the way. */
const connectTimeoutMs = 5_000

/** For each process once: it watches files. */
export function topicOptions(context: RoleContext, paths: KafkaPaths) {
  const { settings, podName, log } = context
  return {
    brokers: settings.log.brokers,
    topic: settings.log.eventsTopic,
    clientId: podName,
    ...wayIn(context, paths),
    warn: (message: string) => log.warn(message),
  }
}

export type TopicOptions = ReturnType<typeof topicOptions>

/** Our own certificates are for our own engines. */
function wayIn(
  context: RoleContext,
  paths: KafkaPaths,
): Pick<ClusterOptions, 'tls' | 'login' | 'connectTimeoutMs'> {
  const { settings, certificates } = context
  const { others } = settings.log
  if (others === undefined) return certificates ? { tls: certificates.context } : {}
  const { mechanism, username, tls } = others
  return {
    connectTimeoutMs,
    ...(mechanism && { login: givenLogin({ mechanism, username }, paths) }),
    ...(tls && encryption(context, tls, paths)),
  }
}

function givenLogin(
  { mechanism, username: told }: { mechanism: Login['mechanism']; username: string | undefined },
  { kafkaAccessPath }: KafkaPaths,
): Login {
  const field = told === undefined ? 'kafka.external.scram.secretRef' : `KafkaUser ${told}`
  const given = () => givenAccess(kafkaAccessPath, field)
  const username = (): string => {
    const name = told ?? given().username
    if (name === undefined) throw new Error(`the Secret of ${field} has no entry username`)
    return name
  }
  return { mechanism, username, password: () => given().password }
}

function encryption(
  { log, onClose }: RoleContext,
  { ownAuthority, identity }: NonNullable<OthersLog['tls']>,
  { kafkaAuthorityPath, kafkaIdentityPath }: KafkaPaths,
): Pick<ClusterOptions, 'tls'> {
  const given = watchGivenTls({
    log,
    ...(ownAuthority && { authority: kafkaAuthorityPath }),
    ...(identity && { identity: kafkaIdentityPath }),
  })
  onClose('the certificates of the log', () => given.close())
  return { tls: given.context }
}

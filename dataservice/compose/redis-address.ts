/** Where Redis is, and how this pod comes in: with our own password, or with what a Secret of the user says. */
import { readFileSync } from 'node:fs'
import { credentialFiles } from '#dataservice/contract/names.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import { givenAccess } from '#dataservice/platform/files/given-access.ts'
import type { RoleContext } from '#dataservice/platform/lifecycle.ts'
import type { RedisAccess, RedisAddresses } from '#dataservice/platform/redis/connection.ts'

export type RedisPaths = Pick<Environment, 'redisAccessPath' | 'redisAuthorityPath'>

/** `prefix` stands before every key of this service. */
export function redisAddress(
  { settings, credential, certificates }: Pick<RoleContext, 'settings' | 'credential' | 'certificates'>,
  { redisAccessPath, redisAuthorityPath }: RedisPaths,
): RedisAddresses & { prefix: string } {
  const { namespace, name } = settings
  const { host, port, peers, access, tls, scopePrefix } = settings.cache
  return {
    host,
    port,
    ...(peers && { peers }),
    prefix: `${scopePrefix === undefined ? '' : `${scopePrefix}.`}${namespace}.${name}:`,
    ...(access === undefined && {
      password: credential(credentialFiles.redisPassword),
      ...(certificates && { tls: { context: certificates.context } }),
    }),
    ...(access === 'Given' && { access: () => givenRedisAccess(redisAccessPath) }),
    ...(tls && {
      tls: tls.ownAuthority ? { authority: () => readFileSync(redisAuthorityPath, 'utf8') } : {},
    }),
  }
}

function givenRedisAccess(folder: string): RedisAccess {
  const { username = 'default', password } = givenAccess(folder, 'redis.external.secretRef')
  return { username, password }
}

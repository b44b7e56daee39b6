/** Where Redis is, and how this pod comes in: with our own password, or with what a Secret of the user says. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { accessFiles, credentialFiles } from '#dataservice/contract/names.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import type { RoleContext } from '#dataservice/platform/lifecycle.ts'
import type { RedisAccess, RedisAddress } from '#dataservice/platform/redis/connection.ts'

export type RedisPaths = Pick<Environment, 'redisAccessPath' | 'redisAuthorityPath'>

/** `prefix` stands before every key of this service. */
export function redisAddress(
  { settings, credential, certificates }: Pick<RoleContext, 'settings' | 'credential' | 'certificates'>,
  { redisAccessPath, redisAuthorityPath }: RedisPaths,
): RedisAddress & { prefix: string } {
  const { namespace, name } = settings
  const { host, port, access, tls, scopePrefix } = settings.cache
  return {
    host,
    port,
    prefix: `${scopePrefix === undefined ? '' : `${scopePrefix}.`}${namespace}.${name}:`,
    ...(access === undefined && {
      password: credential(credentialFiles.redisPassword),
      ...(certificates && { tls: { context: certificates.context } }),
    }),
    ...(access === 'Given' && { access: () => givenAccess(redisAccessPath) }),
    ...(tls && {
      tls: tls.ownAuthority ? { authority: () => readFileSync(redisAuthorityPath, 'utf8') } : {},
    }),
  }
}

/** Throws when the Secret has no password. */
function givenAccess(folder: string): RedisAccess {
  const entry = (name: string): string | undefined => {
    const file = join(folder, name)
    return existsSync(file) ? readFileSync(file, 'utf8').replace(/\n$/, '') : undefined
  }
  const password = entry(accessFiles.password)
  if (password === undefined)
    throw new Error(`the Secret of redis.external.secretRef has no entry ${accessFiles.password}`)
  return { username: entry(accessFiles.username) ?? 'default', password }
}

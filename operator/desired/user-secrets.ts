/** Which Secrets of the user each stateless part mounts, and which of them use Redis. */
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import { mounts } from '#dataservice/contract/names.ts'
import type { Effective } from './effective.ts'
import { callerSecrets } from './gateway-rules.ts'
import { type MountedSecret, mountedSecret } from './mounted-secret.ts'
import type { DeployedPart } from './names.ts'
import type { Target } from './target.ts'

export const usesRedis: Readonly<Record<DeployedPart, (spec: DataServiceSpec) => boolean>> = {
  /** It counts the requests of its callers. */
  gateway: ({ gateway }) => gateway.rateLimit !== undefined,
  /** It tells readers of records that change. */
  writer: ({ record }) => record.mode === 'Upsert',
  reader: () => true,
}

export function userSecrets(
  { owner, effective }: Pick<Target, 'owner' | 'effective'>,
  part: DeployedPart,
): MountedSecret[] {
  return [
    ...(part === 'gateway' ? callerSecrets(owner.spec.gateway) : []),
    ...(usesRedis[part](owner.spec) ? redisSecrets(effective) : []),
  ]
}

function redisSecrets({ redis }: Effective): MountedSecret[] {
  const authority = redis?.tls?.caSecretRef
  const [folder = '', file = ''] = mounts.redisAuthority.path.split(/\/(?=[^/]*$)/)
  return [
    ...(redis?.secretRef === undefined
      ? []
      : [
          mountedSecret({
            volume: 'redis-access',
            folder: mounts.redisAccess.path,
            path: 'redis.external.secretRef of the DataService or its class',
            secret: redis.secretRef.name,
          }),
        ]),
    ...(authority === undefined
      ? []
      : [
          mountedSecret({
            volume: 'redis-authority',
            folder,
            path: 'redis.external.tls.caSecretRef of the DataService or its class',
            secret: authority.name,
            entry: { key: authority.key, path: file },
          }),
        ]),
  ]
}

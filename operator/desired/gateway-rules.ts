/** Who may call the gateway: the settings of its pods, and the Secrets of the user that they mount. */
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import { type Authentication, spanMs } from '#crds/v1alpha1/callers.ts'
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import type { GatewayRules } from '#dataservice/contract/gateway-rules.ts'
import { mounts } from '#dataservice/contract/names.ts'

type GatewaySpec = DataServiceSpec['gateway']

/** Without authentication the gateway is open to everybody. */
export function gatewayRules({ authentication, ...spec }: GatewaySpec): GatewayRules {
  const { authorization, rateLimit, cors, maxBodyBytes } = spec
  return {
    ...(authentication && { authentication: authenticationRules(authentication) }),
    ...(authorization && { authorization }),
    ...(rateLimit && { rateLimit: { requests: rateLimit.requests, perMs: spanMs(rateLimit.per) } }),
    ...(cors && { cors }),
    maxBodyBytes,
  }
}

function authenticationRules({ jwt, apiKeys }: Authentication): NonNullable<GatewayRules['authentication']> {
  return {
    apiKeys: apiKeys !== undefined,
    ...(jwt && {
      jwt: {
        issuer: jwt.issuer,
        audiences: jwt.audiences,
        algorithms: jwt.algorithms,
        ...(jwt.jwksUri === undefined ? {} : { jwksUri: jwt.jwksUri }),
      },
    }),
  }
}

export interface CallerSecret {
  /** What it is for, in the words of the spec. */
  path: string
  secret: string
  /** The entry that must be there. */
  key?: string
  volume: V1Volume
  mount: V1VolumeMount
}

/** Secrets that the operator names and never reads: the kubelet mounts them, and keeps them up to date. */
export function callerSecrets({ authentication = {} }: Pick<GatewaySpec, 'authentication'>): CallerSecret[] {
  const { apiKeys, jwt } = authentication
  const keySet = jwt?.jwksSecretRef
  return [
    ...(apiKeys === undefined
      ? []
      : [
          callerSecret({
            volume: 'api-keys',
            folder: mounts.apiKeys.path,
            path: 'spec.gateway.authentication.apiKeys.secretRef',
            secret: apiKeys.secretRef.name,
          }),
        ]),
    ...(keySet === undefined
      ? []
      : [
          callerSecret({
            volume: 'key-set',
            folder: mounts.keySet.path.slice(0, mounts.keySet.path.lastIndexOf('/')),
            path: 'spec.gateway.authentication.jwt.jwksSecretRef',
            secret: keySet.name,
            entry: {
              key: keySet.key,
              path: mounts.keySet.path.slice(mounts.keySet.path.lastIndexOf('/') + 1),
            },
          }),
        ]),
  ]
}

interface Wish {
  volume: string
  folder: string
  path: string
  secret: string
  entry?: { key: string; path: string }
}

function callerSecret({ volume, folder, path, secret, entry }: Wish): CallerSecret {
  return {
    path,
    secret,
    ...(entry && { key: entry.key }),
    volume: {
      name: volume,
      secret: { secretName: secret, defaultMode: 0o440, ...(entry && { items: [entry] }) },
    },
    mount: { name: volume, mountPath: folder, readOnly: true },
  }
}

/** Who may call the gateway: the settings of its pods, and the Secrets of the user that they mount. */
import { type Authentication, spanMs } from '#crds/v1alpha1/callers.ts'
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import type { GatewayRules } from '#dataservice/contract/gateway-rules.ts'
import { mounts } from '#dataservice/contract/names.ts'
import { type MountedSecret, mountedSecret } from './mounted-secret.ts'

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

/** Secrets that the operator names and never reads: the kubelet mounts them, and keeps them up to date. */
export function callerSecrets({ authentication = {} }: Pick<GatewaySpec, 'authentication'>): MountedSecret[] {
  const { apiKeys, jwt } = authentication
  const keySet = jwt?.jwksSecretRef
  return [
    ...(apiKeys === undefined
      ? []
      : [
          mountedSecret({
            volume: 'api-keys',
            folder: mounts.apiKeys.path,
            path: 'spec.gateway.authentication.apiKeys.secretRef',
            secret: apiKeys.secretRef.name,
          }),
        ]),
    ...(keySet === undefined
      ? []
      : [
          mountedSecret({
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

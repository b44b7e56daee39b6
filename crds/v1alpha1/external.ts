/**
 * Engines that others run. A Secret named here stands in the namespace of the DataService, also when a class names it:
 * its pods mount it, and the operator never reads it.
 */
import { type Static, Type } from 'typebox'
import { ObjectName, type Rule } from './scalars.ts'

const Host = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: '^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$|^[0-9A-Fa-f:]+$',
  description: 'Name or IP address, as pods in the cluster reach it. Example: cache.example.com.',
})

const secretName = ObjectName({ description: 'Name of the Secret, in the namespace of the DataService.' })

const Tls = Type.Object(
  {
    caSecretRef: Type.Optional(
      Type.Object(
        {
          name: secretName,
          key: Type.String({
            minLength: 1,
            maxLength: 253,
            pattern: '^[-._a-zA-Z0-9]+$',
            default: 'ca.crt',
            description: 'Entry of the Secret that holds the certificates (PEM). Default: ca.crt.',
          }),
        },
        {
          description:
            'A Secret with the authority that signed the certificate of the server. Default: those that Node trusts.',
        },
      ),
    ),
  },
  {
    description:
      'Encrypts the connections; the certificate must be that of the host. Example: {caSecretRef: {name: cache-ca}}, ' +
      'or {} for a public authority. Default: connections are not encrypted.',
  },
)

export const ExternalRedis = Type.Object(
  {
    host: Host,
    port: Type.Integer({
      minimum: 1,
      maximum: 65535,
      default: 6379,
      description: 'Port of the server. Example: 6380. Default: 6379.',
    }),
    secretRef: Type.Optional(
      Type.Object(
        { name: secretName },
        {
          description:
            'A Secret with the entry password and, for an ACL user, username. Whoever changes it needs no restart: it ' +
            'counts for the next connection. Default: nobody logs in.',
        },
      ),
    ),
    tls: Type.Optional(Tls),
  },
  {
    description:
      'A Redis that others run, 7 or newer, without cluster mode; several DataServices may share it, each under keys of ' +
      'its own (docs/classes.md). The operator makes no Redis then, and never connects to this one; pods do. ' +
      'Example: {host: cache.example.com, tls: {}, secretRef: {name: cache}}.',
  },
)
export type ExternalRedis = Static<typeof ExternalRedis>

export const oneRedis: Rule = {
  rule: '!has(self.managed) || !has(self.external)',
  message: 'redis is either managed or external: keep one of the two',
}

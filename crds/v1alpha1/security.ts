/** `spec.security`: what protects the way between the parts of a data service. */
import { Type } from 'typebox'
import { builtInSecurity, type HopMode, hopModes, type Level, otherwise } from './built-in.ts'

export const securitySpec = (level: Level) =>
  Type.Object(
    {
      tls: Type.Optional(
        Type.Unsafe<HopMode>({
          type: 'string',
          enum: [...hopModes],
          description:
            'Internal: gateway, writer, reader, jobs, Kafka, Postgres, Redis and the operator talk to each other by TLS alone, ' +
            'and each shows a certificate; the operator makes an authority for each DataService, and renews everything ' +
            'without a restart (docs/encryption.md). CertManager: the same, but cert-manager makes and renews the authority ' +
            'and the certificates; the operator makes no key. Mesh: the parts are plain, and Istio encrypts; its proxies ' +
            'let in nobody without a certificate, the HTTP port of the gateway included. "Off" (in quotes, because YAML ' +
            'reads a bare Off as false): hops are plain. It can change only while the DataService is hibernated, because ' +
            'parts of two modes cannot talk to each other. But for Mesh the HTTP port of the gateway is not meant. ' +
            `Example: Internal. ${otherwise(level, builtInSecurity.tls)}`,
        }),
      ),
    },
    {
      ...(level === 'service' && { default: {} }),
      description: 'What protects the way between the parts. Example: {tls: Internal}.',
    },
  )

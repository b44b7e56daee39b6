/** HTTP over TLS for callers that show a certificate of our own authority, and no others. */
import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Certificates } from '../tls/certificates.ts'

export interface ServerTls {
  certificates: Pick<Certificates, 'files' | 'onChange'>
  /** Common name in the certificate of the only caller that is let in. */
  caller: string
}

export interface SecureOptions extends ServerOptions {
  /** A connection on which nothing went either way for so long is closed. */
  silentMs: number
}

/** Connections that exist go on when the certificates change; new ones are made with the new certificates. */
export function secureServer(
  listener: RequestListener,
  { certificates, caller }: ServerTls,
  { silentMs, ...options }: SecureOptions,
): Server {
  const server = createServer(
    { ...options, ...filesOf(certificates), requestCert: true, rejectUnauthorized: true },
    listener,
  )
  server.setTimeout(silentMs)
  certificates.onChange(() => server.setSecureContext(filesOf(certificates)))
  // Once for each connection, before anything of it is read.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (socket.getPeerCertificate().subject?.CN !== caller) socket.destroy()
  })
  return server
}

/** Beside the port of everybody: one caller more is let in, by TLS, to the same routes. */
export interface Door extends ServerTls {
  port: number
  /** Default: as the server's. */
  host?: string
}

/** Answers how to open it, once the routes are ready; it closes with `app`. */
export function innerDoor(
  app: FastifyInstance,
  { port, host, ...tls }: Door,
  options: SecureOptions,
): (serverHost: string) => Promise<void> {
  const server = secureServer((request, response) => app.routing(request, response), tls, options)
  app.addHook('onClose', async () => {
    server.close()
    if (server.listening) await once(server, 'close')
  })
  return async serverHost => {
    await once(server.listen(port, host ?? serverHost), 'listening')
  }
}

function filesOf(certificates: ServerTls['certificates']) {
  const { ca, cert, key } = certificates.files()
  return { ca, cert, key, minVersion: 'TLSv1.2' as const }
}

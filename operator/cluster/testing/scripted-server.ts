/** A server on loopback that answers as a test says: the awkward answers that a real API server gives too rarely. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { KubeConfig } from '@kubernetes/client-node'
import { type Access, accessFromKubeConfig } from '../access.ts'

export interface SeenRequest {
  method: string
  path: string
  query: Record<string, string>
  headers: IncomingMessage['headers']
  /** The bytes of the body as text. */
  body: string
  /** Tells connections apart. */
  clientPort: number
}

export type Answering = (request: SeenRequest, response: ServerResponse) => void | Promise<void>

export interface ScriptedServer extends AsyncDisposable {
  readonly access: Access
  readonly seen: readonly SeenRequest[]
}

/** Requests are answered by `answering`; it may leave them hanging. */
export async function scriptedServer(answering: Answering): Promise<ScriptedServer> {
  const seen: SeenRequest[] = []
  const server = createServer(async (incoming, response) => {
    const request = await requestOf(incoming)
    seen.push(request)
    await answering(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const access = accessFromKubeConfig(kubeConfig(`http://127.0.0.1:${port}`))
  return {
    access,
    seen,
    async [Symbol.asyncDispose]() {
      await access.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** The Status object with which the API server refuses. */
export function refusal(response: ServerResponse, code: number, reason: string, more: object = {}): void {
  json(
    response,
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `no: ${reason}`, ...more },
    code,
  )
}

async function requestOf(incoming: IncomingMessage): Promise<SeenRequest> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://server')
  const chunks: Uint8Array[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return {
    method: incoming.method ?? '',
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    clientPort: incoming.socket.remotePort ?? 0,
  }
}

function kubeConfig(server: string): KubeConfig {
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'scripted', server, skipTLSVerify: true },
    { name: 'test', token: 'let-me-in' },
  )
  return config
}

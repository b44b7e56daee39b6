/** `/metrics`, `/livez` and `/readyz` of every pod of ours, and `/progress` of those that tell one. */
import { createServer, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { probePaths } from '#dataservice/contract/names.ts'

export interface TelemetryOptions {
  metrics: Registry
  /** Why the pod should get no traffic, or undefined. */
  notReady(): string | undefined
  /** The text at `/progress`; undefined: not found. */
  progress?(): string | undefined
  port: number
  /** Default: all interfaces. */
  host?: string
}

export interface Telemetry {
  /** The port that was bound (for port 0). */
  port: number
  close(): Promise<void>
}

/** Listens. Rejects when the port is taken. */
export async function startTelemetry({
  metrics,
  notReady,
  progress,
  port,
  host,
}: TelemetryOptions): Promise<Telemetry> {
  const routes: Readonly<Record<string, (response: ServerResponse) => void>> = {
    [probePaths.live]: response => send(response, 200, 'alive\n'),
    [probePaths.ready]: response => {
      const reason = notReady()
      send(response, reason === undefined ? 200 : 503, `${reason ?? 'ready'}\n`)
    },
    [probePaths.progress]: response => {
      const text = progress?.()
      if (text === undefined) send(response, 404, 'not found\n')
      else send(response, 200, text, 'application/json')
    },
    [probePaths.metrics]: response => {
      metrics.metrics().then(
        text => send(response, 200, text, metrics.contentType),
        () => send(response, 500, 'metrics cannot be read\n'),
      )
    },
  }
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    request.resume()
    const route = routes[request.url?.split('?')[0] ?? '']
    if (route) route(response)
    else send(response, 404, 'not found\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text)
}

/** Metrics and probes of the operator on one port. */
import { createServer, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { probePaths } from '#dataservice/contract/names.ts'

export interface TelemetryOptions {
  /** 0 takes a free one. */
  port: number
  registry: Registry
  /** Why the operator is not ready, or undefined. */
  notReady: () => string | undefined
}

export interface Telemetry {
  port: number
  close(): Promise<void>
}

export async function startTelemetry({ port, registry, notReady }: TelemetryOptions): Promise<Telemetry> {
  const routes: Record<string, (response: ServerResponse) => Promise<void> | void> = {
    [probePaths.live]: response => answer(response, 200, 'alive\n'),
    [probePaths.ready]: response => {
      const reason = notReady()
      answer(response, reason === undefined ? 200 : 503, `${reason ?? 'ready'}\n`)
    },
    [probePaths.metrics]: async response =>
      answer(response, 200, await registry.metrics(), registry.contentType),
  }
  const server = createServer((request, response) => {
    const route = routes[request.url ?? '']
    if (route === undefined) return answer(response, 404, 'not found\n')
    Promise.resolve(route(response)).catch(() => answer(response, 500, 'metrics could not be read\n'))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, resolve)
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

function answer(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text)
}

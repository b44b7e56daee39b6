/** Asks pods by HTTP. Follows no redirect and reads little: a pod's answer is a text to be judged, nothing more. */
import { get, type IncomingMessage } from 'node:http'
import { ports, probePaths } from '#dataservice/contract/names.ts'
import type { ReadinessPort } from './port.ts'

const timeoutMs = 1_000
const maxBytes = 8 * 1024
const notReady = 503

/** `port`: where pods serve telemetry. */
export function httpReadiness({ port = ports.telemetry }: { port?: number } = {}): ReadinessPort {
  return { reasonOf: address => ask(address, port).catch(() => undefined) }
}

async function ask(host: string, port: number): Promise<string | undefined> {
  const signal = AbortSignal.timeout(timeoutMs)
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host, port, path: probePaths.ready, agent: false, signal }, resolve).on('error', reject)
  })
  if (answer.statusCode !== notReady) {
    answer.destroy()
    return undefined
  }
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer) {
    const chunk = Buffer.from(part)
    parts.push(chunk)
    bytes += chunk.length
    if (bytes >= maxBytes) break
  }
  return Buffer.concat(parts).toString('utf8', 0, maxBytes)
}

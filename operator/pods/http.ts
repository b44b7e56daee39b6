/** Asks pods by HTTP. Follows no redirect and reads little: a pod's answer is a text to be judged, nothing more. */
import { get, type IncomingMessage } from 'node:http'
import { ports, probePaths } from '#dataservice/contract/names.ts'
import type { ReadinessPort } from './port.ts'

const timeoutMs = 1_000
/** More than a writer says that has 256 partitions. */
const maxBytes = 32 * 1024
const notReady = 503
const ok = 200

/** `port`: where pods serve telemetry. */
export function httpReadiness({ port = ports.telemetry }: { port?: number } = {}): ReadinessPort {
  const ask = (host: string, question: Question) =>
    answerOf({ ...question, host, port }).catch(() => undefined)
  return {
    reasonOf: address => ask(address, { path: probePaths.ready, status: notReady }),
    progressOf: address => ask(address, { path: probePaths.progress, status: ok }),
  }
}

/** The answer counts only when it has this status. */
interface Question {
  path: string
  status: number
}

async function answerOf({
  host,
  port,
  path,
  status,
}: Question & { host: string; port: number }): Promise<string | undefined> {
  const signal = AbortSignal.timeout(timeoutMs)
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host, port, path, agent: false, signal }, resolve).on('error', reject)
  })
  if (answer.statusCode !== status) {
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

/** Where an issuer of tokens publishes its public keys (JWKS, RFC 7517). */
import { Agent, request } from 'undici'

const deadlineMs = 5_000
const maxBytes = 256 * 1024

/** Answers a function that fetches the key set anew. It follows no redirect, and rejects without the body's text. */
export function keySetAt(uri: string): { fetch(): Promise<unknown>; close(): Promise<void> } {
  const agent = new Agent({ maxResponseSize: maxBytes, connect: { timeout: deadlineMs } })
  return {
    async fetch() {
      const answer = await request(uri, {
        dispatcher: agent,
        signal: AbortSignal.timeout(deadlineMs),
        headers: { accept: 'application/jwk-set+json, application/json' },
      })
      const text = await answer.body.text()
      if (answer.statusCode !== 200) throw new Error(`the address of the keys answered ${answer.statusCode}`)
      return jsonOf(text)
    },
    close: () => agent.close(),
  }
}

/** JSON, or an Error that does not repeat what was read. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('the key set is no JSON')
  }
}

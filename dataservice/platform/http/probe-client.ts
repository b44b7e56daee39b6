/** Asks a gateway about probe records, as a client would, and tells where a question got stuck. */
import type { SecureContext } from 'node:tls'
import { Pool } from 'undici'
import type { Hop } from '#dataservice/contract/end-to-end.ts'
import { parseStoredProbes, probePath, type StoredProbe } from '#dataservice/record/probe.ts'
import { bearer } from './inner-key.ts'
import { problemType } from './problems.ts'

export interface ProbeClientOptions {
  /** `http://host:port`, or `https` with `tls`. */
  url: string
  /** The key of `inner-key.ts`. */
  key: string
  timeoutMs?: number
  /** What to show and to trust. */
  tls?: () => SecureContext
}

type Told<Value> =
  | { kind: 'answer'; value: Value }
  | { kind: 'stuck'; at: Hop; detail: string }
  | { kind: 'untold' }

/** Whose fault an answer of the gateway tells; all others are its own. */
const faults: readonly [type: string, at: Hop][] = [
  [problemType('log-unavailable').type, 'kafka'],
  [problemType('outcome-unknown').type, 'kafka'],
  [problemType('reader-unavailable').type, 'reader'],
  [problemType('reader-timeout').type, 'reader'],
  [problemType('store-unavailable').type, 'postgres'],
]
const notFound = 404

export class ProbeClient {
  readonly #connect: () => Pool
  #pool: Pool
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeoutMs: number

  constructor({ url, key, timeoutMs = 6_000, tls }: ProbeClientOptions) {
    this.#connect = () => {
      const connect = { timeout: 2_000, ...(tls && { secureContext: tls() }) }
      return new Pool(url, { connections: 1, connect })
    }
    this.#pool = this.#connect()
    this.#headers = { authorization: bearer(key) }
    this.#timeoutMs = timeoutMs
  }

  post(id: string, partition: number): Promise<Told<undefined>> {
    return this.#ask('POST', `${probePath}?id=${id}&partition=${partition}`, () => undefined)
  }

  stored(): Promise<Told<readonly StoredProbe[]>> {
    return this.#ask('GET', probePath, text => parseStoredProbes(text) ?? [])
  }

  /** From now on over a connection that is made anew; what is under way ends on the one that it is on. */
  renew(): void {
    const before = this.#pool
    this.#pool = this.#connect()
    before.close().catch(() => {}) // a connection that broke meanwhile is closed, too
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async #ask<Value>(
    method: 'GET' | 'POST',
    path: string,
    read: (text: string) => Value,
  ): Promise<Told<Value>> {
    try {
      const signal = AbortSignal.timeout(this.#timeoutMs)
      const { statusCode, body } = await this.#pool.request({ method, path, headers: this.#headers, signal })
      const text = await body.text()
      if (statusCode < 300) return { kind: 'answer', value: read(text) }
      if (statusCode === notFound) return { kind: 'untold' }
      const at = faults.find(([type]) => text.includes(`"${type}"`))?.[1] ?? 'gateway'
      return { kind: 'stuck', at, detail: `the gateway answered ${statusCode}` }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      return { kind: 'stuck', at: 'gateway', detail: `the gateway did not answer: ${why}` }
    }
  }
}

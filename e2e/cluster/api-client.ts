/** A few calls to an API server with a client certificate: what the cluster tool itself needs, no more. */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'

export interface ApiCredentials {
  server: string
  pkiFolder: string
  /** Name of the certificate that identifies the user. */
  certificate: string
}

export class ApiRefused extends Error {
  readonly status: number
  constructor(method: string, path: string, status: number, body: string) {
    super(`${method} ${path}: ${status} ${body.slice(0, 500)}`)
    this.status = status
  }
}

const timeoutMs = 10_000

export class ApiClient {
  readonly #server: string
  readonly #agent: Agent
  private constructor(server: string, agent: Agent) {
    this.#server = server
    this.#agent = agent
  }

  static withCertificate({ server, pkiFolder, certificate }: ApiCredentials): ApiClient {
    const read = (name: string) => readFileSync(join(pkiFolder, name))
    const agent = new Agent({
      keepAlive: true,
      ca: read('ca.crt'),
      cert: read(`${certificate}.crt`),
      key: read(`${certificate}.key`),
    })
    return new ApiClient(server, agent)
  }

  /** Sends JSON and answers the parsed body. Rejects with ApiRefused on any status but 2xx. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<unknown> {
    const { status, text } = await this.#send(method, path, body, contentType)
    if (status < 200 || status > 299) throw new ApiRefused(method, path, status, text)
    return JSON.parse(text)
  }

  /** True when the API server answers that it is ready for everything. */
  async isReady(): Promise<boolean> {
    return this.#send('GET', '/readyz').then(
      ({ status }) => status === 200,
      () => false,
    )
  }

  /** Calls `onChange` for each batch of watch events until the server ends the watch; rejects when it breaks. */
  watch(path: string, onChange: () => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sent = request(`${this.#server}${path}`, { agent: this.#agent, signal }, response => {
        if (response.statusCode !== 200) reject(new ApiRefused('WATCH', path, response.statusCode ?? 0, ''))
        response.on('data', onChange)
        response.on('end', resolve)
        response.on('error', reject)
      })
      sent.on('error', reject)
      sent.end()
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(
    method: string,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<{ status: number; text: string }> {
    const headers = body === undefined ? {} : { 'content-type': contentType }
    return new Promise((resolve, reject) => {
      const options = { method, agent: this.#agent, headers, timeout: timeoutMs }
      const sent = request(`${this.#server}${path}`, options, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        )
      })
      sent.on('timeout', () =>
        sent.destroy(new Error(`${method} ${path}: no answer in ${timeoutMs / 1000} s`)),
      )
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

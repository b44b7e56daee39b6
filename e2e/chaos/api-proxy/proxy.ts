/** An HTTP proxy between the operator and the API server that does what a table of faults says. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent, request } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { type Call, callOf, type WatchedEvent } from './calls.ts'
import { type CallHarm, type Fault, FaultTable, type Moment } from './faults.ts'
import { linesOf, passedOf, untouched } from './watch-lines.ts'

export interface ProxyOptions {
  /** `https://host:port` of the API server, and the authority of its certificate. */
  server: string
  ca: Buffer
  /** Kills the operator that asks; resolves when it is dead. */
  kill?: () => Promise<void>
  /** Called when a request has come with its whole body, before anything is done about it. */
  onCall?: (call: Call, body: string) => void
  onEvent?: (event: WatchedEvent) => void
}

export interface ApiProxy {
  url: string
  /** Takes the place of all faults that were in force. */
  inject(faults: readonly Fault[]): void
  /** No faults any more; what hung goes on. */
  heal(): void
  /** How often it has done harm so far. */
  fired(): number
  /** Breaks all connections; new ones are taken. */
  cut(): void
  /** Connections that are open now. */
  connections(): Promise<number>
  close(): Promise<void>
}

export async function startProxy(options: ProxyOptions): Promise<ApiProxy> {
  const agent = new Agent({ keepAlive: true, ca: options.ca })
  const faults = new FaultTable()
  let healed = Promise.withResolvers<void>()
  const proxy: Proxy = { ...options, agent, faults, healed: () => healed.promise }
  const server = createServer((asked, answer) => {
    answer.on('error', () => {}) // whoever asked has gone
    serve(proxy, asked, answer).catch(() => answer.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  const heal = (): void => {
    faults.replace([])
    healed.resolve()
    healed = Promise.withResolvers()
  }
  return {
    url: `http://127.0.0.1:${address.port}`,
    inject: each => faults.replace(each),
    heal,
    fired: () => faults.fired,
    cut: () => server.closeAllConnections(),
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    close: async () => {
      heal()
      server.close()
      server.closeAllConnections()
      agent.destroy()
    },
  }
}

interface Proxy extends ProxyOptions {
  agent: Agent
  faults: FaultTable
  healed: () => Promise<void>
}

async function serve(proxy: Proxy, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = asked
  const call = callOf(method, url)
  const body = Buffer.concat(await asked.toArray())
  proxy.onCall?.(call, body.toString('utf8'))
  const harm = proxy.faults.ofCall(call)
  if (!(await before(harm, proxy, answer))) return
  const told = await forwarded(proxy, asked, {
    path: harm?.do === 'older' ? older(url, harm.revision) : url,
    body,
  })
  answer.on('close', () => told.destroy())
  if (harm?.do === 'kill' || harm?.do === 'break') {
    told.resume()
    await once(told, 'end') // the API server has done it by now
    return ended(harm, proxy, answer)
  }
  answer.writeHead(told.statusCode ?? 502, told.headers)
  if (call.verb === 'watch' && told.statusCode === 200) await watched(proxy, call, told, answer)
  else await pipeline(told, answer)
}

/** Answers whether the API server shall see the request. */
async function before(harm: CallHarm | undefined, proxy: Proxy, answer: ServerResponse): Promise<boolean> {
  if (harm === undefined) return true
  switch (harm.do) {
    case 'delay':
      await pause(harm.ms)
      return !answer.destroyed
    case 'hang':
      await proxy.healed()
      return !answer.destroyed
    case 'answer':
      refuse(harm, answer)
      return false
    case 'break':
    case 'kill':
      if (harm.when === 'after') return true
      await ended(harm, proxy, answer)
      return false
    case 'older':
      return true
    default:
      return harm satisfies never
  }
}

async function ended(
  { do: what }: { do: 'kill' | 'break'; when: Moment },
  proxy: Proxy,
  answer: ServerResponse,
) {
  if (what === 'kill') await proxy.kill?.()
  answer.destroy()
}

function refuse(
  { status, reason, retryAfterSeconds }: Extract<CallHarm, { do: 'answer' }>,
  answer: ServerResponse,
): void {
  const wait = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  answer.writeHead(status, { 'content-type': 'application/json', ...wait }).end(
    JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code: status,
      reason,
      message: reason,
    }),
  )
}

/** A page after the first belongs to the version of the first already. */
function older(url: string, revision: string): string {
  const asked = new URL(url, 'http://api')
  if (asked.searchParams.has('continue')) return url
  asked.searchParams.set('resourceVersion', revision)
  asked.searchParams.set('resourceVersionMatch', 'Exact')
  return `${asked.pathname}${asked.search}`
}

async function forwarded(
  { server, agent }: Proxy,
  { method, headers }: IncomingMessage,
  { path, body }: { path: string; body: Buffer },
): Promise<IncomingMessage> {
  const { host: _, connection: __, 'transfer-encoding': ___, ...passed } = headers
  const onwards = request(new URL(path, server), {
    agent,
    method,
    headers: { ...passed, ...(body.length > 0 && { 'content-length': String(body.length) }) },
  })
  onwards.end(body)
  const [told] = await once(onwards, 'response')
  return told
}

async function watched(proxy: Proxy, { resource }: Call, told: IncomingMessage, answer: ServerResponse) {
  answer.flushHeaders()
  const harmOf = (event: WatchedEvent) => {
    proxy.onEvent?.(event)
    return proxy.faults.ofEvent(event)
  }
  for await (const line of linesOf(told)) {
    const isLookedAt = proxy.onEvent !== undefined || !proxy.faults.isEmpty
    const { bytes, next } = isLookedAt ? passedOf(line, { resource, harmOf }) : untouched(line)
    if (next === 'hold') await proxy.healed()
    await written(bytes, answer)
    if (next === 'break') await broken(answer)
    if (next === 'end' || answer.destroyed) break
  }
  told.destroy()
  if (!answer.destroyed) answer.end()
}

/** Resolves when more may come, or whoever reads has gone. */
async function written(bytes: Buffer, answer: ServerResponse): Promise<void> {
  if (answer.destroyed || bytes.length === 0 || answer.write(bytes)) return
  const over = new AbortController() // takes the listener away that heard nothing
  const heard = (what: 'drain' | 'close') => once(answer, what, { signal: over.signal })
  await Promise.race([heard('drain'), heard('close')])
  over.abort()
}

/** What was written before reaches the other side. */
async function broken(answer: ServerResponse): Promise<void> {
  await new Promise(resolve => answer.write('', resolve))
  answer.destroy()
}

/**
 * A small TCP proxy before each broker: it understands frames, so that a test can hold or cut exactly the request or
 * the answer it means. Ports in answers are replaced by the proxy's, so that clients stay behind it.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export const apis = { produce: 0, fetch: 1, findCoordinator: 10, joinGroup: 11, heartbeat: 12 } as const

export interface Frame {
  /** Place of the broker in the list given. */
  broker: number
  /** Key of the API in Kafka's protocol. */
  api: number
  direction: 'request' | 'answer'
}

/** `cut` closes the connection in place of passing the frame on. */
export type Fate = 'pass' | 'cut'
export type Interceptor = (frame: Frame) => Fate | Promise<Fate>

export interface FaultProxy {
  bootstrapServers: string[]
  /** Decides on every frame from now on; without an argument all pass. */
  intercept(interceptor?: Interceptor): void
  close(): Promise<void>
}

const host = '127.0.0.1'
const correlationInRequest = 4
const correlationInAnswer = 0

/** Starts a proxy for each broker address (`127.0.0.1:port`). */
export async function startFaultProxy(brokers: readonly string[]): Promise<FaultProxy> {
  const brokerPorts = brokers.map(address => Number(address.split(':')[1]))
  const sockets = new Set<Socket>()
  const ports = new Map<number, number>()
  let interceptor: Interceptor = () => 'pass'
  const servers = await Promise.all(
    brokerPorts.map(async (port, broker) => {
      const server = createServer(client => {
        const upstream = connect({ host, port })
        for (const socket of [client, upstream]) sockets.add(socket.on('close', () => sockets.delete(socket)))
        link({ client, upstream, rewrite: frame => replacePorts(frame, ports) }, (api, direction) =>
          interceptor({ broker, api, direction }),
        )
      })
      server.listen(0, host)
      await once(server, 'listening')
      ports.set(port, portOf(server))
      return server
    }),
  )
  return {
    bootstrapServers: servers.map(server => `${host}:${portOf(server)}`),
    intercept(next = () => 'pass') {
      interceptor = next
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
    },
  }
}

interface Ends {
  client: Socket
  upstream: Socket
  rewrite: (frame: Buffer) => Buffer
}

function link(
  { client, upstream, rewrite }: Ends,
  decide: (api: number, direction: Frame['direction']) => Fate | Promise<Fate>,
) {
  const apiOf = new Map<number, number>()
  const cut = () => {
    client.destroy()
    upstream.destroy()
  }
  for (const socket of [client, upstream]) socket.setNoDelay(true).on('error', cut).on('close', cut)
  eachFrame(client, async frame => {
    const api = frame.readInt16BE(4)
    apiOf.set(frame.readInt32BE(4 + correlationInRequest), api)
    if ((await decide(api, 'request')) === 'cut') return cut()
    upstream.write(frame)
  })
  eachFrame(upstream, async frame => {
    const correlation = frame.readInt32BE(4 + correlationInAnswer)
    const api = apiOf.get(correlation) ?? -1
    apiOf.delete(correlation)
    if ((await decide(api, 'answer')) === 'cut') return cut()
    client.write(rewrite(frame))
  })
}

/** Calls `handle` with each whole frame, its length included, one after the other. */
function eachFrame(socket: Socket, handle: (frame: Buffer) => Promise<void>): void {
  let rest: Buffer = Buffer.alloc(0)
  let last = Promise.resolve()
  socket.on('data', chunk => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const frame = rest.subarray(0, 4 + rest.readInt32BE(0))
      rest = rest.subarray(frame.length)
      last = last.then(() => handle(frame))
    }
  })
}

/** Metadata and coordinators are told as the text of the host and a 32-bit port behind it, in every version. */
function replacePorts(frame: Buffer, ports: ReadonlyMap<number, number>): Buffer {
  const replaced = Buffer.from(frame)
  for (let at = frame.indexOf(host); at >= 0; at = frame.indexOf(host, at + 1)) {
    const portAt = at + host.length
    const port = portAt + 4 <= frame.length ? ports.get(frame.readInt32BE(portAt)) : undefined
    if (port !== undefined) replaced.writeInt32BE(port, portAt)
  }
  return replaced
}

function portOf(server: Server): number {
  const address: string | AddressInfo | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen')
  return address.port
}

/** A TCP proxy before Postgres that cuts or freezes a connection at the statement a test means. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * - `cut-before`: the statement never reaches the server.
 * - `cut-after`: the server gets it, its answer never reaches the client.
 * - `freeze`: from the statement on nothing passes in either direction, and the connection stays open.
 */
export type Fault = 'cut-before' | 'cut-after' | 'freeze'

export interface PostgresProxy {
  host: string
  port: number
  /** The next message of a client that holds `text` meets the fault, once; later ones pass. */
  failAt(text: string, fault: Fault): void
  /** Resolves when the fault of `failAt` has happened. */
  happened(): Promise<void>
  close(): Promise<void>
}

interface Plan {
  text: string
  fault: Fault
  done: PromiseWithResolvers<void>
}

export async function startPostgresProxy(upstream: { host: string; port: number }): Promise<PostgresProxy> {
  const sockets = new Set<Socket>()
  let plan: Plan | undefined
  let last: Promise<void> = Promise.resolve()
  const server = createServer(client => {
    const target = connect(upstream)
    for (const socket of [client, target]) {
      sockets.add(socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket)))
    }
    link(client, target, message => {
      if (!plan || !message.includes(plan.text)) return undefined
      const { fault, done } = plan
      plan = undefined
      done.resolve()
      return fault
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    failAt(text, fault) {
      plan = { text, fault, done: Promise.withResolvers() }
      last = plan.done.promise
    },
    happened: () => last,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function link(client: Socket, target: Socket, judge: (message: Buffer) => Fault | undefined): void {
  let isFrozen = false
  client.on('data', message => {
    const fault = isFrozen ? undefined : judge(message)
    if (fault === 'freeze') isFrozen = true
    if (isFrozen) return
    if (fault === 'cut-before') {
      target.destroy()
      client.destroy()
      return
    }
    target.write(message)
    // The server answers what it has done: only then is the client cut off.
    if (fault === 'cut-after') {
      target.removeAllListeners('data')
      target.once('data', () => {
        client.destroy()
        target.destroy()
      })
    }
  })
  target.on('data', message => {
    if (!isFrozen) client.write(message)
  })
  client.on('close', () => target.destroy())
  target.on('close', () => client.destroy())
}

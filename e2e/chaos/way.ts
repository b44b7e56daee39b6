/** A TCP proxy whose way can be made bad: slow, or swallowing all that comes, as a firewall that drops. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '#e2e/engines/ports.ts'

interface Address {
  host: string
  port: number
}

export interface Way {
  host: string
  port: number
  /** Where it leads; before that it leads nowhere. Answers the way's own address. */
  to(upstream: Address): Address
  /**
   * From now on nothing passes, in either direction, and nobody hears that the other side has closed. Connections that
   * were opened before or meanwhile stay as dead as that when the way is open again.
   */
  swallow(): void
  /** From now on everything takes so many milliseconds longer. */
  slow(milliseconds: number): void
  /** For new connections all is well again. */
  open(): void
  /** Connections that were accepted so far. */
  accepted(): number
  close(): Promise<void>
}

const host = '127.0.0.1'

/** It goes with `resources`. */
export async function openWay(resources: AsyncDisposableStack): Promise<Way> {
  const links = new Set<Link>()
  let state = { swallows: false, delayMs: 0 }
  let accepted = 0
  let upstream: Address = { host, port: 1 }
  const server = createServer(client => {
    accepted += 1
    const link = new Link(client, connect(upstream), () => state.delayMs)
    links.add(link)
    if (state.swallows) link.lose()
    void link.over.then(() => links.delete(link))
  })
  server.listen(await freePort(), host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the way has no port')
  const way: Way = {
    host,
    port: address.port,
    to(next) {
      upstream = next
      return { host, port: address.port }
    },
    swallow() {
      state = { ...state, swallows: true }
      for (const link of links) link.lose()
    },
    slow: delayMs => {
      state = { swallows: false, delayMs }
    },
    open: () => {
      state = { swallows: false, delayMs: 0 }
    },
    accepted: () => accepted,
    async close() {
      for (const link of links) link.cut()
      server.close()
      await once(server, 'close')
    },
  }
  resources.defer(() => way.close())
  return way
}

class Link {
  readonly #ends: readonly Socket[]
  readonly #over = Promise.withResolvers<void>()
  #isLost = false

  constructor(client: Socket, target: Socket, delayMs: () => number) {
    this.#ends = [client, target]
    this.#pass(client, target, delayMs)
    this.#pass(target, client, delayMs)
  }

  /** Resolves when both ends are gone. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  lose(): void {
    this.#isLost = true
  }

  cut(): void {
    for (const end of this.#ends) end.destroy()
    this.#over.resolve()
  }

  #pass(from: Socket, to: Socket, delayMs: () => number): void {
    let last: Promise<unknown> = Promise.resolve()
    let dueAt = 0
    from.setNoDelay(true).on('error', () => from.destroy())
    from.on('data', chunk => {
      if (this.#isLost) return
      if (delayMs() === 0 && performance.now() >= dueAt) return void to.write(chunk)
      dueAt = Math.max(dueAt, performance.now() + delayMs())
      const waitMs = dueAt - performance.now()
      const before = last
      last = delay(waitMs)
        .then(() => before)
        .then(() => this.#isLost || to.write(chunk))
    })
    from.on('close', () => {
      if (!this.#isLost) this.cut()
      else if (this.#ends.every(end => end.destroyed)) this.#over.resolve()
    })
  }
}

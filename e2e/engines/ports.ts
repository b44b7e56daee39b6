/** Free ports for engines. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the range the system hands out for outgoing connections, so that a stopped engine finds its port free again. */
const first = 15_000
const last = 29_999
const given = new Set<number>()

/** A port of 127.0.0.1 on which nothing listens; never the same one twice in a process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = first + Math.floor(Math.random() * (last - first + 1))
    if (!given.has(port) && (await isFree(port))) {
      given.add(port)
      return port
    }
  }
  throw new Error(`no free port between ${first} and ${last}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

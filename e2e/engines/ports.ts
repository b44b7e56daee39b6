/** Free ports for engines and roles of tests. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Below the range the system hands out for outgoing connections, so that a stopped engine finds its port free again. */
const first = 15_000
const last = 29_999
const blockSize = 50
/** Ports of this process that were not handed out yet. */
const left: number[] = []

/**
 * A port on which nothing listens; never one that was given before, by whichever process. What asks for it may come to
 * listen much later, so that looking for a listener alone would give a port twice.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = left.shift()
    if (port === undefined) left.push(...(await claimedBlock()))
    else if (await isFree(port)) return port
  }
}

/** A process keeps a block by listening on its first port for as long as it lives. */
async function claimedBlock(): Promise<number[]> {
  const blocks = Math.floor((last + 1 - first) / blockSize)
  const start = Math.floor(Math.random() * blocks)
  for (let offset = 0; offset < blocks; offset++) {
    const mark = first + ((start + offset) % blocks) * blockSize
    const server = await listeningOn(mark)
    if (server === undefined) continue
    server.unref()
    return Array.from({ length: blockSize - 1 }, (_, index) => mark + 1 + index)
  }
  throw new Error(`no free ports between ${first} and ${last}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = await listeningOn(port)
  server?.close()
  return server !== undefined
}

/** On all addresses, as a listener on any of them is in the way. */
async function listeningOn(port: number): Promise<Server | undefined> {
  const server = createServer()
  try {
    server.listen(port)
    await once(server, 'listening')
    return server
  } catch {
    return undefined
  }
}

/** A thousand clients that send one byte a second: they are cut off in time, and nobody else waits for them. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { atLeast, atMost, type Figure, told } from './figures.ts'
import { otherThan, quantile, startProbe, within } from './probe.ts'
import type { Suite } from './suite.ts'
import { type Scene, underLoad } from './under-load.ts'

const clients = 1_000
const calmMs = 5_000
const atATime = 10
const apartMs = 20
/** Parts of a second in which a part of them sends its byte. */
const turns = 20
/** What a machine that does other things adds to a p99, in milliseconds. */
const noiseMs = 20

/** How a slow request begins, and the seconds after which the gateway has cut it off at the latest. */
const kinds = {
  headers: { beginning: 'POST /data HTTP/1.1\r\nhost: slow\r\nx-slow: ', limit: 16 },
  body: {
    beginning:
      'POST /data HTTP/1.1\r\nhost: slow\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{"slow":"',
    limit: 36,
  },
} as const
const wanted = { smoke: ['headers'], full: ['headers', 'body'] } as const

export const slowClients: Suite = context =>
  underLoad(context, { perSecond: 50 }, async scene => {
    const others = startProbe(() => scene.load.once(1), 20)
    await delay(calmMs)
    const began = performance.now()
    const figures: Figure[] = []
    for (const kind of wanted[scene.size]) figures.push(...(await drip(scene, kind)))
    await others.stop()
    const [before, meanwhile] = [within(others.samples, 0, began), within(others.samples, began)]
    const calm = quantile(before, 0.99)
    return [
      ...figures,
      told('p99 of other clients before, ms', calm),
      atMost('p99 of other clients meanwhile, ms', quantile(meanwhile, 0.99), 1.5 * Math.max(calm, noiseMs)),
      atMost('answers to other clients that were not 202', otherThan(others.samples, 202), 0),
    ]
  })

async function drip({ world }: Scene, kind: keyof typeof kinds) {
  const { beginning, limit } = kinds[kind]
  const { port, hostname: host } = new URL(world.gatewayUrl)
  const address = { host, port: Number(port) }
  const sockets: Socket[] = []
  const open = () => sockets.filter(socket => !socket.destroyed)
  // They come and send a few at a time: what is measured is the gateway, and not a burst of ours.
  while (sockets.length < clients) {
    for (let n = 0; n < atATime; n++) sockets.push(await slowClient(address, beginning))
    await delay(apartMs)
  }
  const began = performance.now()
  let turn = 0
  const dripping = setInterval(() => {
    turn += 1
    for (const [n, socket] of sockets.entries())
      if (n % turns === turn % turns && !socket.destroyed && socket.writable) socket.write('x')
  }, 1_000 / turns)
  const most = open().length
  try {
    await settledIn(2 * limit * 1_000, async () => {
      if (open().length > 0) throw new Error(`${open().length} slow clients are still connected`)
    })
  } finally {
    clearInterval(dripping)
    for (const socket of sockets) socket.destroy()
  }
  const took = (performance.now() - began) / 1000
  return [
    atLeast(`slow clients (${kind})`, most, clients),
    atMost(`seconds until all of them were cut off (${kind})`, took, limit),
  ]
}

async function slowClient(address: { host: string; port: number }, beginning: string): Promise<Socket> {
  const socket = connect(address)
  socket.on('error', () => socket.destroy()).resume()
  await once(socket, 'connect')
  socket.on('end', () => socket.destroy())
  socket.write(beginning)
  return socket
}

/**
 * More records than the gateway can pass on: clients that do not wait for each other bring three times what it takes, then
 * the broker is suspended under them. Each gets an answer, memory has its bound, and soon afterwards all is as before.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { atLeast, atMost, type Figure, told } from './figures.ts'
import { quantile, type Sample, startProbe } from './probe.ts'
import { residentMegabytes } from './resident.ts'
import type { Suite } from './suite.ts'
import { type Scene, underLoad } from './under-load.ts'

const lasts = { smoke: 5_000, full: 60_000 } as const
const times = 3
const batch = 500
const lanes = 16
/** While nothing is passed on: 20 MB a second, so that the gateway's 32 MiB are taken soon. */
const jamRecords = 25
const jamPadding = 16_000
const jamPerSecond = 50
const calibrateMs = 2_000
/** Clients that are on the line at a time. */
const most = 1_000
/** An answer comes after 4.5 s at the latest; beside it stand the way there and a machine that is full, in seconds. */
const answerLimit = 10
/** What a refusal may take longer than an acknowledgement on an idle service, in milliseconds. */
const refusalMs = 50
/** The limit of a pod with the standard profile, in MiB. */
const memoryLimit = 512

export const overload: Suite = context =>
  underLoad(context, { perSecond: 50 }, async scene => {
    const { world, load, say } = scene
    const [broker] = world.kafka.brokers
    if (!broker) throw new Error('there is a broker')
    const send = () => load.once(batch)
    const calm = await secondsOf(() => load.once(1))
    const perSecond = await capacity(send)
    say(`takes ${Math.round(perSecond * batch)} records a second`)
    const crowd = await press(scene, send, times * perSecond)
    const afterCrowd = await secondsUntilCalm(send)
    await broker.kill('SIGSTOP')
    const jam = await press(scene, () => load.once(jamRecords, jamPadding), jamPerSecond).finally(() =>
      broker.kill('SIGCONT'),
    )
    const afterJam = await secondsUntilCalm(send)
    const refused = jam.samples.filter(({ status }) => status === 503 || status === 429)
    const quick = refused.length === 0 ? 0 : quantile(refused, 0.5)
    return [
      told('records that it takes in a second', perSecond * batch),
      ...figuresOf('crowd', crowd),
      ...figuresOf('jam', jam),
      atLeast('requests that were refused (jam)', refused.length, 1),
      told('median of refusals, ms (jam)', quick),
      atMost(
        'quickest tenth of refusals, ms (jam)',
        refused.length === 0 ? 0 : quantile(refused, 0.1),
        refusalMs + calm * 1000,
      ),
      atMost('seconds until it answers as before (crowd)', afterCrowd, 10),
      atMost('seconds until it answers as before (jam)', afterJam, 10),
    ]
  })

interface Pressure {
  samples: readonly Sample[]
  megabytes: number
  seconds: number
}

/** Posts at a pace that does not follow the answers. */
async function press(
  { roles, size }: Scene,
  send: () => Promise<number>,
  perSecond: number,
): Promise<Pressure> {
  const { pid } = roles.process('gateway')
  const began = performance.now()
  const probe = startProbe(send, 1000 / perSecond, most)
  let megabytes = 0
  while (performance.now() - began < lasts[size]) {
    await delay(100)
    megabytes = Math.max(megabytes, residentMegabytes(pid))
  }
  const seconds = (performance.now() - began) / 1000
  await probe.stop()
  return { samples: probe.samples, megabytes, seconds }
}

function figuresOf(name: string, { samples, megabytes, seconds }: Pressure): Figure[] {
  const answered = samples.filter(({ status }) => [202, 429, 503, 504].includes(status))
  const taken = samples.filter(({ status }) => status === 202).length
  return [
    told(`requests in a second (${name})`, samples.length / seconds),
    told(`requests that were taken (${name})`, taken),
    atMost(
      `requests without an answer that says what is the matter (${name})`,
      samples.length - answered.length,
      0,
    ),
    atMost(`p99 of answers, s (${name})`, quantile(samples, 0.99) / 1000, answerLimit),
    atMost(`memory of the gateway, MiB (${name})`, megabytes, memoryLimit),
  ]
}

async function secondsOf(send: () => Promise<number>): Promise<number> {
  const began = performance.now()
  await send()
  return (performance.now() - began) / 1000
}

/** Requests that it answers in a second when clients wait for their answers. */
async function capacity(send: () => Promise<number>): Promise<number> {
  const until = performance.now() + calibrateMs
  let answered = 0
  const lane = async (): Promise<void> => {
    while (performance.now() < until) if ((await send()) === 202) answered += 1
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return (answered * 1000) / calibrateMs
}

/** Until five requests in a row are taken within half a second each. */
async function secondsUntilCalm(send: () => Promise<number>): Promise<number> {
  const from = performance.now()
  for (let calm = 0; calm < 5; ) {
    const began = performance.now()
    const status = await send()
    calm = status === 202 && performance.now() - began < 500 ? calm + 1 : 0
    if (began - from > 60_000) throw new Error('the gateway does not come to rest')
  }
  return (performance.now() - from) / 1000
}

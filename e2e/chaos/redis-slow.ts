/** Redis is slow, hangs, is silent, or dies, while records are read: readers answer, and soon as fast as before. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Settings } from '#dataservice/contract/settings.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { atMost, type Figure, told } from './figures.ts'
import { otherThan, quantile, startProbe, statusOf, within } from './probe.ts'
import { redisBehind } from './rewire.ts'
import type { Suite } from './suite.ts'
import { type Scene, underLoad } from './under-load.ts'
import { openWay, type Way } from './way.ts'

const lasts = { smoke: 4_000, full: 30_000 } as const
/** Until the circuit has seen enough to open. */
const openingMs = 1_500
const everyMs = 20
/** What a machine that does other things adds to a p99, in milliseconds. */
const noiseMs = 25

export const redisSlow: Suite = async context => {
  const way = await openWay(context.resources)
  const rewire = (settings: Settings) => redisBehind(way, settings)
  return underLoad(context, { stack: { rewire }, perSecond: 50 }, scene => harm(scene, way))
}

interface Harm {
  name: string
  begin(): Promise<void> | void
  end(): Promise<void> | void
}

const harms = ({ world: { redis } }: Scene, way: Way): Harm[] => [
  { name: 'slow by 300 ms', begin: () => way.slow(300), end: () => way.open() },
  { name: 'silent', begin: () => way.swallow(), end: () => way.open() },
  { name: 'suspended', begin: () => redis.kill('SIGSTOP'), end: () => redis.kill('SIGCONT') },
  { name: 'killed', begin: () => redis.kill('SIGKILL'), end: () => redis.start() },
]

async function harm(scene: Scene, way: Way): Promise<Figure[]> {
  const { load, world, chance, size } = scene
  const own = chance.of('reads')
  await settledIn(20_000, async () => {
    if (load.recentIds().length < 100) throw new Error('too few records')
  })
  const ids = load.recentIds().slice(0, 100)
  const url = () => `${world.gatewayUrl}/data/${own.pick(ids)}`
  await settledIn(20_000, async () => {
    for (const id of ids) if ((await statusOf(`${world.gatewayUrl}/data/${id}`)) !== 200) throw new Error(id)
  })
  const reads = startProbe(() => statusOf(url()), everyMs)
  await delay(lasts[size])
  const calm = quantile(reads.samples, 0.99)
  const figures: Figure[] = [told('p99 of reads before, ms', calm)]
  for (const { name, begin, end } of harms(scene, way)) {
    const began = performance.now()
    await begin()
    await delay(lasts[size])
    const seen = within(reads.samples, began + openingMs)
    await end()
    await delay(openingMs)
    figures.push(
      told(`longest read at first, ms (${name})`, quantile(within(reads.samples, began), 1)),
      atMost(`p99 of reads, ms (${name})`, quantile(seen, 0.99), 2 * Math.max(calm, noiseMs)),
    )
  }
  await reads.stop()
  return [...figures, atMost('reads that did not succeed', otherThan(reads.samples, 200), 0)]
}

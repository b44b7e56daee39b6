/** Of three brokers first one dies, then a second: with one lost all goes on, with two nothing is promised. */
import { setTimeout as delay } from 'node:timers/promises'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { atLeast, atMost, told } from './figures.ts'
import { otherThan, quantile, startProbe, within } from './probe.ts'
import type { Suite } from './suite.ts'
import { underLoad } from './under-load.ts'

const lasts = { smoke: 6_000, full: 60_000 } as const
/** What is acknowledged shortly before the second broker dies may be told shortly after. */
const graceMs = 500

export const brokerLoss: Suite = context =>
  underLoad(context, { stack: { kafka: { brokers: 3 } }, writers: 2, perSecond: 100 }, async scene => {
    const { world, chance, size, load } = scene
    const posts = startProbe(() => load.once(1), 100)
    await delay(2_000)
    const order = world.kafka.brokers.toSorted(() => chance.next() - 0.5)
    const [first, second] = order
    if (!first || !second) throw new Error('there are three brokers')
    const oneLost = performance.now()
    await first.kill('SIGKILL')
    await delay(lasts[size])
    const oneSilence = longestSilence(posts.samples, oneLost, performance.now())
    const twoLost = performance.now()
    await second.kill('SIGKILL')
    await delay(lasts[size])
    const returned = performance.now()
    await Promise.all([first.start(), second.start()])
    const again = await settledIn(120_000, async () => {
      const status = await load.once(1)
      if (status !== 202) throw new Error(`still ${status}`)
      return (performance.now() - returned) / 1000
    })
    await posts.stop()
    const alone = within(posts.samples, twoLost + graceMs).filter(({ at, tookMs }) => at + tookMs < returned)
    return [
      atMost('seconds without an acknowledgement, one broker lost', oneSilence, 10),
      atLeast('requests with two brokers lost', alone.length, 1),
      atMost('of them acknowledged', alone.length - otherThan(alone, 202), 0),
      atMost('of them not answered by 503', otherThan(alone, 503), 0),
      atMost('slowest of these answers, s', quantile(alone, 1) / 1000, 5),
      told('seconds until a record is taken after their return', again),
    ]
  })

/** Seconds between two acknowledgements. */
function longestSilence(
  samples: readonly { at: number; tookMs: number; status: number }[],
  from: number,
  to: number,
) {
  const times = samples
    .filter(({ status }) => status === 202)
    .map(({ at, tookMs }) => at + tookMs)
    .filter(time => time >= from && time < to)
    .toSorted((a, b) => a - b)
  const edges = [from, ...times, to]
  return Math.max(...edges.slice(1).map((time, index) => time - (edges[index] ?? time))) / 1000
}

/**
 * Everything between the roles and Postgres is swallowed for a while, and connections stay open on both sides. Statements
 * are given up, callers are answered, and afterwards new connections do the work.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Settings } from '#dataservice/contract/settings.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { atMost, told } from './figures.ts'
import { otherThan, quantile, startProbe, statusOf, within } from './probe.ts'
import { postgresBehind } from './rewire.ts'
import type { Suite } from './suite.ts'
import { type Scene, underLoad, untilStoring } from './under-load.ts'
import { openWay, type Way } from './way.ts'

const lasts = { smoke: 12_000, full: 60_000 } as const
/** Before it, so that connections are in use. */
const calmMs = 2_000
/** What a reader may take to say that it cannot: its own limits on waiting, a statement and the network. */
const answerLimit = 10

export const halfOpen: Suite = async context => {
  const way = await openWay(context.resources)
  const rewire = (settings: Settings) => postgresBehind(way, settings)
  return underLoad(context, { stack: { rewire } }, scene => harm(scene, way))
}

async function harm({ world, roles, load, chance, size }: Scene, way: Way) {
  const own = chance.of('reads')
  const idNow = () => own.pick(load.recentIds())
  await settledIn(10_000, async () => void idNow())
  // Each id once or nearly so: what is asked for is not in the cache.
  const reads = startProbe(() => statusOf(`${world.gatewayUrl}/data/${idNow()}`), 100)
  await delay(calmMs)

  way.swallow()
  const began = performance.now()
  const retries = retriesOf(roles.process('writer').log())
  const seconds = (from: number) => (performance.now() - from) / 1000
  const givenUp = settledIn(60_000, async () => {
    if (retriesOf(roles.process('writer').log()) === retries) throw new Error('the writer still waits')
    return seconds(began)
  })
  await delay(lasts[size])
  way.open()
  const opened = performance.now()
  await untilStoring({ world })
  const healed = seconds(opened)
  const readsAgain = await settledIn(60_000, async () => {
    if ((await statusOf(`${world.gatewayUrl}/data/${load.recentIds()[0]}`)) !== 200) throw new Error('no')
    return seconds(opened)
  })
  await reads.stop()
  return [
    atMost('seconds until the writer gives its statement up', await givenUp, 10),
    atMost('seconds until something is stored again', healed, 15),
    atMost('seconds until a record is read again', readsAgain, 15),
    told('reads meanwhile', within(reads.samples, began).length),
    atMost('longest answer to a read, s', quantile(reads.samples, 1) / 1000, answerLimit),
    atMost(
      'reads without an answer that says what is the matter',
      otherThan(reads.samples, 200, 404, 503, 504),
      0,
    ),
  ]
}

/** Batches that a writer has tried again. */
const retriesOf = (log: string): number => log.split('a batch is tried again').length - 1

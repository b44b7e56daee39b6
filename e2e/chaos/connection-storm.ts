/** Fifty other clients take every connection that Postgres has, and it is restarted under them. */
import { setTimeout as delay } from 'node:timers/promises'
import { openAsSuperuser } from '#e2e/bench/administrator.ts'
import { again } from '#e2e/scenarios/role-faults.ts'
import type { Chance } from './chance.ts'
import { atLeast, atMost, told } from './figures.ts'
import { otherThan, startProbe, statusOf } from './probe.ts'
import type { Suite } from './suite.ts'
import { type Scene, underLoad, untilStoring } from './under-load.ts'

const lasts = { smoke: 8_000, full: 60_000 } as const
const strangers = 50
/** As in the settings of tests: connections of each pod. */
const poolSize = 4
const writers = 2

export const connectionStorm: Suite = context =>
  underLoad(
    context,
    { stack: { postgres: { settings: { max_connections: '30' } } }, writers },
    async scene => {
      const { world, roles, chance, size, load } = scene
      const watch = watchConnections(scene)
      const own = chance.of('reads')
      await untilStoring(scene)
      const reads = startProbe(() => statusOf(`${world.gatewayUrl}/data/${own.pick(load.recentIds())}`), 50)
      const storm = startStorm(scene)
      await delay(lasts[size] / 2)
      await again(world.postgres, 'SIGQUIT')
      await delay(lasts[size] / 2 + chance.of('storm').between(0, 1_000))
      const refused = storm.refused()
      await storm.stop()
      const ended = performance.now()
      await roles.allReady()
      await untilStoring(scene)
      const recovered = (performance.now() - ended) / 1000
      const most = await watch.stop()
      await reads.stop()
      return [
        atLeast('refused connections of strangers', refused, 1),
        atMost('seconds until all are at work again', recovered, 30),
        told('reads', reads.samples.length),
        atMost(
          'reads without an answer that says what is the matter',
          otherThan(reads.samples, 200, 404, 503, 504),
          0,
        ),
        told('looks at connections', most.looks),
        atMost('connections of the writers at a time', most.writer, writers * poolSize),
        atMost('connections of the reader at a time', most.reader, poolSize),
      ]
    },
  )

function startStorm({ world, chance }: Scene) {
  let wanted = true
  let refused = 0
  const stranger = async (own: Chance): Promise<void> => {
    while (wanted) {
      const database = world.database.open('owner', { poolSize: 1, connectTimeoutMs: 2_000 })
      await database
        .query(`SELECT pg_sleep(${own.next() * 0.5})`)
        .catch(() => {
          refused += 1
        })
        .finally(() => database.close())
      await delay(own.between(0, 100))
    }
  }
  const all = Array.from({ length: strangers }, (_, number) => stranger(chance.of(`stranger ${number}`)))
  return {
    refused: () => refused,
    stop: async () => {
      wanted = false
      await Promise.all(all)
    },
  }
}

/** Looks through the connections that are kept for the superuser. */
function watchConnections({ world }: Scene) {
  const most = { writer: 0, reader: 0, looks: 0 }
  const superuser = openAsSuperuser(world.postgres)
  const { users } = world.settings.store
  let wanted = true
  const look = async (): Promise<void> => {
    const text = 'SELECT usename, count(*) FROM pg_stat_activity WHERE usename IS NOT NULL GROUP BY usename'
    const { rows } = await superuser.query(text)
    const of = (user: string) => Number(rows.find(([name]) => name === user)?.[1] ?? 0)
    most.writer = Math.max(most.writer, of(users.writer))
    most.reader = Math.max(most.reader, of(users.reader))
    most.looks += 1
  }
  const work = async (): Promise<void> => {
    while (wanted) {
      await look().catch(() => {}) // it is restarted on purpose
      await delay(50)
    }
  }
  const working = work()
  return {
    stop: async () => {
      wanted = false
      await working
      await superuser.close()
      return most
    },
  }
}

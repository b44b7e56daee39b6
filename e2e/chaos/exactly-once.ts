/**
 * Nothing acknowledged is lost or doubled while writers, the broker and Postgres are killed again and again. Every other
 * request carries an Idempotency-Key and is repeated with it until it is accepted: each of its records stands once.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { openRoleStack, type RoleStack } from '#e2e/scenarios/open-role-stack.ts'
import { again, type ServingRoles, serve } from '#e2e/scenarios/role-faults.ts'
import type { Chance } from './chance.ts'
import { atLeast, type Figure, told } from './figures.ts'
import { type Load, startLoad } from './load.ts'
import type { Size, Suite, SuiteContext } from './suite.ts'
import { logEnds, positions, settle } from './verdict.ts'

interface Plan {
  records: number
  overMs: number
  /** Pauses between two faults of a kind, in milliseconds: from, to. */
  writer: readonly [number, number]
  broker: readonly [number, number]
  postgres: readonly [number, number]
}

const plans: Readonly<Record<Size, Plan>> = {
  smoke: {
    records: 35_000,
    overMs: 35_000,
    writer: [5_000, 10_000],
    broker: [12_000, 15_000],
    postgres: [9_000, 14_000],
  },
  full: {
    records: 1_000_000,
    overMs: 3_600_000,
    writer: [5_000, 10_000],
    broker: [60_000, 60_000],
    postgres: [90_000, 90_000],
  },
}

const partitions = 6
const writers = 2

export const exactlyOnce: Suite = async context => {
  const plan = plans[context.size]
  const world = await openRoleStack(context.resources, { partitions })
  const roles = await serve(world, writers)
  const { records: total, overMs } = plan
  const load = startLoad({
    url: world.gatewayUrl,
    chance: context.chance.of('load'),
    total,
    perSecond: (total * 1000) / overMs,
  })
  const faults = startFaults(world, roles, plan, context.chance)
  const watch = tell(world, load, faults, context)
  try {
    await Promise.race([load.done, faults.failed])
  } finally {
    await Promise.all([faults.stop(), watch.stop()])
  }
  await roles.allReady()
  const { figures } = await settle(world, load.evidence(), { say: context.say })
  return [
    atLeast('records accepted', load.accepted(), total),
    told('requests that were not accepted at first', load.setbacks()),
    told('longest silence of the gateway, s', load.longestSilenceMs() / 1000),
    ...Object.entries(faults.counts).map(([name, count]) => told(`${name} kills`, count)),
    ...figures,
  ] satisfies Figure[]
}

interface Faults {
  counts: Readonly<Record<'writer' | 'broker' | 'postgres', number>>
  /** Rejects when something did not come back. */
  failed: Promise<never>
  /** Resolves when what was killed last is back. */
  stop(): Promise<void>
}

function startFaults(world: RoleStack, roles: ServingRoles, plan: Plan, chance: Chance): Faults {
  const [broker] = world.kafka.brokers
  if (!broker) throw new Error('there is a broker')
  const counts = { writer: 0, broker: 0, postgres: 0 }
  const over = new AbortController()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // told by whoever races it
  const repeat = async (name: keyof typeof counts, fault: (own: Chance) => Promise<void>): Promise<void> => {
    const own = chance.of(name)
    for (;;) {
      await delay(own.between(...plan[name]), undefined, { signal: over.signal }).catch(() => {})
      if (over.signal.aborted) return
      await fault(own)
      counts[name] += 1
    }
  }
  const running = Promise.all([
    repeat('writer', own => roles.restart('writer', 'SIGKILL', own.between(0, writers - 1))),
    repeat('broker', () => again(broker)),
    repeat('postgres', () => again(world.postgres, 'SIGQUIT')), // as `pg_ctl stop -m immediate`
  ])
  running.catch(failed.reject)
  return {
    counts,
    failed: failed.promise,
    stop: async () => {
      over.abort()
      await running
    },
  }
}

/** A line each minute. */
function tell(world: RoleStack, load: Load, { counts }: Faults, { say }: SuiteContext) {
  const over = new AbortController()
  const owner = world.database.open('owner')
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
  const line = async (): Promise<string> => {
    const [log, stored] = await Promise.all([logEnds(world), positions(owner, world)]).catch(() => [[], []])
    const kills = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
    return `${load.accepted()} accepted, ${sum(log) - sum(stored)} behind, kills: ${kills.join(', ')}`
  }
  const work = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await delay(60_000, undefined, { signal: over.signal }).catch(() => {})
      if (!over.signal.aborted) say(await line())
    }
  }
  const working = work()
  return {
    stop: async () => {
      over.abort()
      await working
      await owner.close()
    },
  }
}

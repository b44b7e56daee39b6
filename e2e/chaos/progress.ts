/** How far the writers are behind the log, looked at five times a second. */
import { setTimeout as delay } from 'node:timers/promises'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import type { RoleStack } from '#e2e/scenarios/open-role-stack.ts'
import { positions } from './verdict.ts'

export interface Look {
  /** By `performance.now()`. */
  at: number
  /** Where each partition of the log ends. */
  log: readonly number[]
  /** Where the writers are; as before while Postgres does not tell. */
  stored: readonly number[]
}

export interface Progress {
  readonly looks: readonly Look[]
  stop(): Promise<void>
}

const everyMs = 200

/** Needs brokers that answer. */
export async function watchProgress(world: RoleStack): Promise<Progress> {
  const topics = await connectTopics(world.kafka.bootstrapServers)
  const owner = world.database.open('owner')
  const looks: Look[] = []
  let wanted = true
  const work = async (): Promise<void> => {
    while (wanted) {
      // The log first: what is stored of it later is not taken for missing.
      const log = await topics.counts(world.settings.log.eventsTopic)
      const stored = await positions(owner, world).catch(() => looks.at(-1)?.stored ?? [])
      looks.push({ at: performance.now(), log, stored })
      await delay(everyMs)
    }
  }
  const working = work()
  working.catch(() => {}) // `stop` tells
  return {
    looks,
    async stop() {
      wanted = false
      await working.finally(() => Promise.all([topics.close(), owner.close()]))
    },
  }
}

/** The longest time in seconds in which a partition was behind and did not move, from a moment on. Pure. */
export function longestStall(looks: readonly Look[], from = 0, to = Number.POSITIVE_INFINITY): number {
  const seen = looks.filter(({ at }) => at >= from && at < to)
  const partitions = seen[0]?.log.map((_, partition) => partition) ?? []
  return Math.max(0, ...partitions.map(partition => longestStallOf(seen, partition)))
}

function longestStallOf(looks: readonly Look[], partition: number): number {
  let longest = 0
  let since = looks[0]?.at ?? 0
  let before = -1
  for (const { at, log, stored } of looks) {
    const position = stored[partition] ?? 0
    if (position !== before || position >= (log[partition] ?? 0)) since = at
    before = position
    longest = Math.max(longest, at - since)
  }
  return longest / 1000
}

/** Records that are in the log and not passed. */
export const behind = ({ log, stored }: Look): number =>
  log.reduce((sum, end, partition) => sum + end - (stored[partition] ?? 0), 0)

/** The oracle at the end of a suite: waits until the writers have passed the log, then compares all rows. */
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import type { RoleStack } from '#e2e/scenarios/open-role-stack.ts'
import { complaints, type Evidence, judge, type StoredRecord } from '#e2e/scenarios/oracle.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { keepEvidence } from './evidence.ts'
import { atMost, type Figure, told } from './figures.ts'

export interface Settled {
  figures: readonly Figure[]
  violations: number
}

export interface SettleOptions {
  /** Default five minutes. */
  withinMs?: number
  say?: (message: string) => void
}

/** The account of a stack that nobody posts to any more. */
export async function settle(
  world: RoleStack,
  evidence: Omit<Evidence, 'stored'>,
  { withinMs = 300_000, say = console.error }: SettleOptions = {},
): Promise<Settled> {
  const owner = world.database.open('owner')
  try {
    const keep = async () => say(`what there is to look at: ${await keepEvidence(world, owner)}`)
    const began = performance.now()
    await settledIn(withinMs, async () => {
      const [log, passed] = await Promise.all([logEnds(world), positions(owner, world)])
      if (String(log) !== String(passed))
        throw new Error(`the log ends at ${log}, the writers are at ${passed}`)
    }).catch(async (error: unknown) => {
      await keep()
      throw error
    })
    const caughtUp = (performance.now() - began) / 1000
    const verdict = await judge({ ...evidence, stored: rows(owner) })
    const said = complaints(verdict)
    for (const complaint of said) say(complaint)
    if (said.length > 0) await keep()
    const { lost, doubled, changed, foreign } = verdict
    const violations = lost.length + doubled.length + changed.length + foreign.length
    const figures = [
      told('rows', verdict.stored),
      told('seconds until all was stored', caughtUp),
      atMost('violations', violations, 0),
    ]
    return { figures, violations }
  } finally {
    await owner.close()
  }
}

/** Where each partition of the log ends. */
export async function logEnds({ kafka, settings }: RoleStack): Promise<number[]> {
  const topics = await connectTopics(kafka.bootstrapServers)
  return topics.counts(settings.log.eventsTopic).finally(() => topics.close())
}

/** Where the writers are in each partition, by what Postgres says. */
export async function positions(owner: Database, { settings }: RoleStack): Promise<number[]> {
  const { rows: found } = await owner.query({
    name: 'positions',
    text: 'SELECT next_offset FROM ingest_offsets WHERE topic = $1 ORDER BY partition',
    values: [settings.log.eventsTopic],
  })
  return found.map(([offset]) => Number(offset))
}

const pageRows = 20_000

/** All rows in the order of their ids, a page at a time. */
async function* rows(owner: Database): AsyncGenerator<StoredRecord> {
  const text = 'SELECT id, body FROM records WHERE id > $1 ORDER BY id LIMIT $2'
  for (let last = '00000000-0000-0000-0000-000000000000'; ; ) {
    const page = await owner.query({ name: 'rows', text, values: [last, String(pageRows)] })
    for (const [id, body] of page.rows) yield { id: id ?? '', text: body ?? '' }
    if (page.rows.length < pageRows) return
    last = page.rows.at(-1)?.[0] ?? ''
  }
}

/** Tables for coming days are gone when their records come: they are made, nothing becomes a dead letter. */
import { setTimeout as delay } from 'node:timers/promises'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import type { NewRecord } from '#dataservice/platform/kafka/port.ts'
import { newRecord, uuid7At } from '#e2e/engines/records.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { atLeast, atMost } from './figures.ts'
import { longestStall, watchProgress } from './progress.ts'
import type { Suite } from './suite.ts'
import { type Scene, underLoad } from './under-load.ts'

const rounds = { smoke: 3, full: 100 } as const
/** As in the settings of tests. */
const premade = 3
const dayMs = 86_400_000
const eachDay = 20

export const partitionMissing: Suite = context =>
  underLoad(context, { perSecond: 500 }, async scene => {
    const { world, size, chance } = scene
    const owner = world.database.open('owner')
    const number = async (text: string) => Number((await owner.query(text)).rows[0]?.[0])
    const progress = await watchProgress(world)
    const tomorrow = uuid7At((Math.floor(Date.now() / dayMs) + 1) * dayMs)
    const found = { stored: 0, wanted: 0, early: 0 }
    for (let round = 0; round < rounds[size]; round++) {
      await delay(chance.between(200, 1_000))
      for (const text of await dropAhead(owner)) await owner.query(text)
      found.wanted += await appendDays(scene, [1, premade])
      found.early += await appendDays(scene, [premade + 5, premade + 5])
      await settledIn(30_000, async () => {
        const stored = await number(`SELECT count(*) FROM records WHERE id >= '${tomorrow}'`)
        if (found.stored + stored < found.wanted) throw new Error(`${stored} of the coming days are stored`)
      })
      found.stored += await number(`WITH gone AS (DELETE FROM records WHERE id >= '${tomorrow}' RETURNING 1)
        SELECT count(*) FROM gone`)
    }
    await settledIn(30_000, async () => {
      const told = await number("SELECT count(*) FROM outcomes WHERE outcome = 'future'")
      if (told < found.early)
        throw new Error(`${told} of ${found.early} have the outcome of coming too early`)
    })
    const letters = await number('SELECT count(*) FROM dead_letters').finally(() => owner.close())
    const stall = longestStall(progress.looks)
    await progress.stop()
    return [
      atLeast('records of days whose table was gone, stored', found.stored, found.wanted),
      atMost('of them more than once', found.stored - found.wanted, 0),
      atMost('dead letters', letters, 0),
      atMost('longest time without progress of a partition, s', stall, 5),
    ]
  })

/** Statements that drop the tables of coming days, all of them empty. */
async function dropAhead(owner: ReturnType<Scene['world']['database']['open']>): Promise<string[]> {
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  const { rows } = await owner.query(`SELECT relname FROM pg_class JOIN pg_inherits ON oid = inhrelid
    WHERE inhparent = 'records'::regclass AND relkind = 'r' AND relname > 'records_p${today}'`)
  return rows.map(([name]) => `DROP TABLE ${name}`)
}

/** Appends records whose ids are of coming days, as a gateway with another clock would; answers how many. */
async function appendDays({ world, chance }: Scene, [from, to]: readonly [number, number]): Promise<number> {
  const { brokers, eventsTopic: topic, partitions } = world.settings.log
  const appender = await createAppender({ brokers, topic, clientId: 'chaos' })
  const days = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  const records: NewRecord[] = days.flatMap(day =>
    Array.from({ length: eachDay }, () => newRecord({ body: '{}', id: uuid7At(Date.now() + day * dayMs) })),
  )
  const partition = chance.between(0, partitions - 1)
  const outcome = (await appender.append(new Map([[partition, records]]))).get(partition)
  await appender.close()
  if (outcome?.kind !== 'appended') throw new Error('the records were not appended')
  return records.length
}

/**
 * One record in a hundred is malformed. What the gateway can see it refuses; what another producer puts into the log, and
 * what only Postgres refuses, becomes a dead letter with its bytes and its place, and nothing waits for it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createLogReader } from '#dataservice/platform/kafka/log-reader.ts'
import type { LogRecord, NewRecord } from '#dataservice/platform/kafka/port.ts'
import { deadLetterHeaders, envelope } from '#dataservice/record/envelope.ts'
import { newRecord } from '#e2e/engines/records.ts'
import type { RoleStack } from '#e2e/scenarios/open-role-stack.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import type { Chance } from './chance.ts'
import { atLeast, atMost, told } from './figures.ts'
import { longestStall, watchProgress } from './progress.ts'
import type { Suite } from './suite.ts'
import { type Scene, underLoad } from './under-load.ts'

const lasts = { smoke: 12_000, full: 300_000 } as const
const perSecond = 500
const partitions = 6
/** Between two malformed records of each kind: together about one in a hundred. */
const everyMs = 400

/** What a gateway refuses, with the status it refuses it by. */
const malformed: readonly (readonly [number, string | Buffer])[] = [
  [400, '{"customer":"c","amount":'],
  [400, '{"customer":"c","amount":1,"amount":2}'],
  [400, '{"customer":7,"amount":1}'],
  [400, '{"customer":"c","amount":1e400}'],
  [400, '{"customer":"\\u0000","amount":1}'],
  [400, '{"customer":"\\ud800","amount":1}'],
  [400, `{"customer":"c","amount":1,"deep":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
  [400, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  [400, '[]x'],
  [413, `{"customer":"c","amount":1,"long":"${'x'.repeat(900 * 1024)}"}`],
]

type Foreign = (number: number) => NewRecord

/** What stands in the log without a gateway having seen it. */
const foreign: readonly Foreign[] = [
  number => newRecord({ body: `{"broken":${number}` }),
  number => newRecord({ body: `${'['.repeat(7_000)}${number}` }),
  number => ({ key: Buffer.alloc(0), value: Buffer.from([0, 255, number % 256]), headers: {} }),
  number => ({ key: Buffer.from('k'), value: Buffer.from(`${number}`), headers: { ['__proto__']: 'y' } }),
  number => ({
    ...newRecord({ body: `{"n":${number}}` }),
    headers: { ...newRecord({ body: '{}' }).headers, [envelope.time]: 'tomorrow' },
  }),
  number =>
    newRecord({ body: Buffer.from([0x22, 0xff, 0x22, number % 256]).toString('latin1'), id: 'no uuid' }),
]

/** Accepted by the schema, and still refused by a rule in the database. */
const refusedText = (number: number): string => `{"customer":"refused","amount":1,"quantity":${-1 - number}}`
const refuseThem = `CREATE FUNCTION refuse_some() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.body ->> 'customer' = 'refused' THEN RAISE 'not this one' USING ERRCODE = '22023'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refuse_some BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION refuse_some()`

export const poison: Suite = context =>
  underLoad(context, { stack: { partitions }, writers: 2, perSecond }, async scene => {
    const { world, size } = scene
    const owner = world.database.open('owner')
    await owner.query(refuseThem)
    const progress = await watchProgress(world)
    const until = performance.now() + lasts[size]
    const [refused, injected, rejected] = await Promise.all([
      postMalformed(scene, until),
      appendForeign(scene, until),
      postRejected(scene, until),
    ])
    const wanted = injected.length + rejected
    const letters = await settledIn(60_000, async () => {
      const found = await readAll(world)
      if (found.length < wanted)
        throw new Error(`${found.length} of ${wanted} dead letters are in their topic`)
      return found
    }).finally(() => progress.stop())
    const { rows } = await owner.query('SELECT count(*) FROM dead_letters').finally(() => owner.close())
    return [
      told('malformed requests', refused.asked),
      atMost('malformed requests that were not refused as they should be', refused.wrong, 0),
      atLeast('dead letters', Number(rows[0]?.[0]), wanted),
      atMost('dead letters too many', Number(rows[0]?.[0]) - wanted, 0),
      atMost('dead letters whose bytes, place or reason are not told', misprints(letters, injected), 0),
      atMost('longest time without progress of a partition, s', longestStall(progress.looks), 5),
    ]
  })

async function postMalformed({ world, chance }: Scene, until: number) {
  const own = chance.of('malformed')
  const found = { asked: 0, wrong: 0 }
  while (performance.now() < until) {
    const [status, body] = own.pick(malformed)
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${world.gatewayUrl}/data`, { method: 'POST', headers, body })
    await answer.arrayBuffer()
    found.asked += 1
    if (answer.status !== status) found.wrong += 1
    await delay(own.between(0, 2 * everyMs))
  }
  return found
}

/** Answers the values that were appended. */
async function appendForeign({ world, chance }: Scene, until: number): Promise<NewRecord[]> {
  const own: Chance = chance.of('foreign')
  const { brokers, eventsTopic: topic } = world.settings.log
  const appender = await createAppender({ brokers, topic, clientId: 'foreign' })
  const injected: NewRecord[] = []
  while (performance.now() < until) {
    const record = own.pick(foreign)(injected.length)
    const partition = own.between(0, partitions - 1)
    const outcome = (await appender.append(new Map([[partition, [record]]]))).get(partition)
    if (outcome?.kind !== 'appended') throw new Error(`a foreign record was not appended: ${outcome?.kind}`)
    injected.push(record)
    await delay(own.between(0, 2 * everyMs))
  }
  await appender.close()
  return injected
}

/** Answers how many were accepted. */
async function postRejected({ world, chance }: Scene, until: number): Promise<number> {
  const own = chance.of('rejected')
  let accepted = 0
  while (performance.now() < until) {
    const headers = { 'content-type': 'application/json' }
    const body = refusedText(accepted)
    const answer = await fetch(`${world.gatewayUrl}/data`, { method: 'POST', headers, body })
    await answer.arrayBuffer()
    if (answer.status !== 202) throw new Error(`a good record was answered by ${answer.status}`)
    accepted += 1
    await delay(own.between(0, 2 * everyMs))
  }
  return accepted
}

/** The whole topic of dead letters. */
async function readAll({ settings, kafka }: RoleStack): Promise<LogRecord[]> {
  const topic = settings.log.deadLettersTopic
  const reader = createLogReader({ brokers: kafka.bootstrapServers, topic, clientId: 'chaos' })
  const signal = AbortSignal.timeout(30_000)
  const found: LogRecord[] = []
  try {
    const { id } = await reader.topic(signal)
    const { start, end } = await reader.range(0, signal)
    for (let at = start; at < end; ) {
      const read = await reader.read(0, at, { topic: id, maxBytes: 2 ** 20, maxWaitMs: 0, signal })
      if (read.kind !== 'records') throw new Error(`the dead letters at ${at}: ${read.kind}`)
      found.push(...read.records)
      at = read.next
    }
  } finally {
    await reader.close()
  }
  return found
}

/** Injected records that no letter has byte for byte, and letters that do not say where they come from and why. */
function misprints(letters: readonly LogRecord[], injected: readonly NewRecord[]): number {
  const values = new Set(letters.map(({ value }) => value?.toString('base64')))
  const missing = injected.filter(({ value }) => !values.has(value?.toString('base64'))).length
  const { topic, partition, offset, reason } = deadLetterHeaders
  const untold = letters.filter(({ headers }) =>
    [topic, partition, offset, reason].some(name => !headers.get(name)?.length),
  ).length
  return missing + untold
}

/**
 * A new version of the schema comes to a service at work; then Postgres hangs, Kafka cannot be reached, somebody makes the topic anew: what is accepted is kept, and what cannot be
 * kept is not accepted.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Condition } from '#crds/v1alpha1/status.ts'
import { serviceAddress } from '#e2e/stack/address.ts'
import { readService, sql, waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { freezePod, unplugPod } from './away.ts'
import { type Ledger, longestSilence, openLedger } from './ledger.ts'
import { awayMs } from './lengths.ts'
import { settledIn, since } from './settled.ts'
import { declare, record, whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const service = { namespace: 'engines-away', name: 'lonely' }
const { namespace, name } = service
const topic = `${namespace}.${name}.events`
/** What a broker may be late on a machine where everything else runs, too. */
const longestPauseMs = 10_000
let ledger: Ledger

const v1 = { name: 'v1', schema: record.schema }
const { origin, destination } = record.schema.properties
const v2 = {
  name: 'v2',
  schema: { type: 'object', required: ['origin', 'target'], properties: { origin, target: destination } },
  upgrade: [{ op: 'move', from: '/destination', path: '/target' }],
}
const recordOf = (...versions: object[]) => ({ record: { versions, key: record.key } })
/** All that the ledger posts is of this version. */
const inVersion1 = { 'schema-version': 'v1' }

beforeAll(async () => {
  const kubernetes = await cluster()
  await declare(kubernetes, service, recordOf(v1))
  await whenReady(kubernetes, service)
  ledger = await openLedger(kubernetes, service, inVersion1)
})
afterAll(async () => {
  await (await cluster()).kubectl(['delete', 'namespace', namespace, '--wait=false'])
})

const kubectl = async (...args: string[]): Promise<string> =>
  (await cluster()).kubectl(['-n', namespace, ...args])

async function condition(type: string): Promise<Condition | undefined> {
  const { status } = await readService(await cluster(), service)
  return status?.conditions?.find(each => each.type === type)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

/** Waits until a condition is not True, and until the fault has lasted as long as it should. */
async function awayUntilTold(began: number, type: string): Promise<void> {
  const told = await settledIn(60_000, async () => {
    const found = await condition(type)
    expect(found?.status).toBe('False')
    return found
  })
  step(`  ${type}=False after ${since(began)}: ${told?.reason}, ${told?.message}`)
  await delay(Math.max(0, began + awayMs - Date.now())) // the claim is about a length of time
}

test('a new version rolls out under load: no request fails, no record is lost, old ones are read in its form', async () => {
  const kubernetes = await cluster()
  const { url } = await serviceAddress(kubernetes, namespace, `${name}-gateway`)
  const load = ledger.startLoad()
  const reads = startReads(url)
  const began = Date.now()
  await declare(kubernetes, service, recordOf(v1, v2))
  await waitUntilReady(kubernetes, service, { timeoutMs: 300_000 })
  await settledIn(30_000, async () => {
    expect((await readService(kubernetes, service)).status?.schemaVersion).toBe('v2')
  })
  await load.stop()
  const read = await reads.stop()
  expect(load.answers.filter(({ status }) => status !== 202)).toEqual([])
  expect(read.filter(said => said !== '200')).toEqual([])
  const rows = await ledger.balanced()
  step(
    `version v2 after ${since(began)}: ${load.answers.length} POSTs, ${read.length} GETs, ${rows} records, none failed`,
  )

  const post = (body: string, headers: Record<string, string>) =>
    fetch(`${url}/data`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })
  const [oldest = ''] = ledger.acknowledged()
  expect(await (await fetch(`${url}/data/${oldest}`)).text()).toMatch(
    /"schemaVersion":"v2","record":\{"origin":"o\d+","number":\d+,"target":"d\d"\}\}$/,
  )
  const old = await post('{"origin":"o1","destination":"d1"}', inVersion1)
  expect([old.status, old.headers.get('deprecation')]).toEqual([202, expect.stringMatching(/^@\d+$/)])
  expect((await post('{"origin":"o1","target":"d1"}', {})).status).toBe(202)
  expect((await post('{"origin":"o1","destination":"d1"}', {})).status).toBe(400)
  await settledIn(60_000, async () => {
    expect(Number(await sql(kubernetes, service, 'SELECT count(*) FROM records'))).toBe(rows + 2)
  })
  ledger = await openLedger(kubernetes, service, inVersion1)
})

/** Asks for a page again and again; answers the status of each, or why there was none. */
function startReads(url: string): { stop(): Promise<readonly string[]> } {
  const said: string[] = []
  let wanted = true
  const reading = (async () => {
    while (wanted) {
      const answer = await fetch(`${url}/data?limit=5`).catch(error => ({
        status: String(error),
        text: async () => '',
      }))
      said.push(`${answer.status}${answer.status === 200 ? '' : ` ${await answer.text()}`}`)
      if (answer.status === 200) await answer.text()
      await delay(50)
    }
  })()
  return {
    async stop() {
      wanted = false
      await reading
      return said
    },
  }
}

test('Postgres hangs under load: nineteen of twenty POSTs and more are accepted, the condition says so, and all rows arrive', async () => {
  const kubernetes = await cluster()
  const load = ledger.startLoad()
  const heal = await freezePod(kubernetes, namespace, `${name}-postgres-0`)
  const began = Date.now()
  try {
    await awayUntilTold(began, 'DatabaseReady')
  } finally {
    await heal()
  }
  const healed = Date.now()
  await load.stop()
  const refused = load.answers.filter(({ status }) => status !== 202)
  for (const { said } of refused) step(`  not accepted: ${said}`)
  // Postgres refuses nobody; a broker that gets no processor for seconds may.
  expect(refused.length).toBeLessThan(load.answers.length / 20)
  expect(longestSilence(load.answers, began, healed)).toBeLessThan(longestPauseMs)
  const rows = await ledger.balanced()
  step(
    `Postgres was away for ${(healed - began) / 1000} s; all ${rows} rows were there ${since(healed)} after`,
  )
  await waitUntilReady(kubernetes, service, { timeoutMs: 120_000 })
  step(`  Ready ${since(healed)} after`)
})

test('Kafka cannot be reached: 503, most within 5 s and all within 15 s, and no false 202, the condition says so, and it recovers alone', async () => {
  const kubernetes = await cluster()
  const { url } = await serviceAddress(kubernetes, namespace, `${name}-gateway`)
  expect((await ledger.tryOnce(10)).status).toBe(202)
  const heal = await unplugPod(kubernetes, namespace, `${name}-kafka-0`)
  const began = Date.now()
  let healed = began
  const load = ledger.startLoad()
  try {
    await awayUntilTold(began, 'LogReady')
    expect((await fetch(`${url}/data?limit=1`)).status).toBe(200)
  } finally {
    healed = Date.now() // it answers again before the call returns
    await heal()
  }
  await settledIn(60_000, async () => expect(load.answers.at(-1)?.status).toBe(202))
  const accepted = since(healed)
  await waitUntilReady(kubernetes, service, { timeoutMs: 120_000 })
  const ready = since(healed)
  await load.stop()
  const during = load.answers.filter(({ at }) => at < healed)
  const slowest = Math.max(...during.map(({ tookMs }) => tookMs))
  const silence = longestSilence(load.answers, began, Date.now())
  step(
    `Kafka was away for ${(healed - began) / 1000} s: ${during.length} answers, the slowest in ${slowest} ms`,
  )
  step(
    `  accepted again ${accepted} after, Ready ${ready} after; ${silence / 1000} s without an acknowledgement`,
  )
  expect(new Set(during.map(({ status }) => status))).toEqual(new Set([503]))
  // The typical one: a single answer also waits for a processor of a busy machine.
  expect(median(during.map(({ tookMs }) => tookMs))).toBeLessThan(5_000)
  expect(slowest).toBeLessThan(5_000 + longestPauseMs)
  await ledger.balanced()
})

/** What `kafka-topics.sh` starts; the script itself is not in every image. */
async function kafkaTopics(...args: string[]): Promise<string> {
  const java = ['java', '-Xmx64m', '-XX:TieredStopAtLevel=1', '-cp', '/opt/kafka/libs/*']
  const tool = [...java, 'org.apache.kafka.tools.TopicCommand', '--bootstrap-server', 'localhost:9092']
  return kubectl('exec', `${name}-kafka-0`, '-c', 'kafka', '--', ...tool, ...args)
}

/** Where each partition stands: next offset and last event id. */
const positions = async (): Promise<string> =>
  sql(await cluster(), service, 'SELECT partition, next_offset, last_id FROM ingest_offsets ORDER BY 1')
const nextOffsets = (text: string): number[] =>
  text
    .trim()
    .split('\n')
    .map(line => Number(line.split('|')[1]))
const rows = async (): Promise<number> =>
  Number(await sql(await cluster(), service, 'SELECT count(*) FROM records'))

/** Enough records that each partition has some. */
async function post(records: number): Promise<void> {
  expect((await ledger.tryOnce(records)).status).toBe(202)
}

test('a topic that is made anew stops the writer, moves no offset, and the remedy stores every record', async () => {
  const kubernetes = await cluster()
  await post(200)
  await ledger.balanced()
  const before = nextOffsets(await positions())

  await kafkaTopics('--delete', '--topic', topic)
  // The operator may have been faster.
  await kafkaTopics(
    '--create',
    '--if-not-exists',
    '--topic',
    topic,
    '--partitions',
    '2',
    '--replication-factor',
    '1',
  )
  const began = Date.now()
  // The gateway finds the new log by itself; fewer records than the old log had, and then more.
  await settledIn(60_000, () => post(50))
  const told = await settledIn(120_000, async () => {
    const { status } = await readService(kubernetes, service)
    const stalled = status?.conditions?.find(({ type }) => type === 'Stalled')
    expect(stalled).toMatchObject({ status: 'True', reason: 'LogReplaced' })
    return stalled
  })
  step(`the new topic was noticed after ${since(began)}: ${told?.message}`)
  // Until the topic went, requests of the time without Kafka may still have come to it; none went back.
  const stopped = { positions: await positions(), rows: await rows() }
  for (const [partition, next] of nextOffsets(stopped.positions).entries())
    expect(next).toBeGreaterThanOrEqual(before[partition] ?? Number.NaN)
  await post(300)
  expect({ positions: await positions(), rows: await rows() }).toEqual(stopped)

  // Exactly what the message says.
  expect(told?.message).toContain('delete the row of this partition in the table ingest_offsets')
  await sql(kubernetes, service, `DELETE FROM ingest_offsets WHERE topic = '${topic}'`)
  await kubectl('rollout', 'restart', `deployment/${name}-writer`)
  const mended = Date.now()
  const stored = await ledger.balanced()
  await waitUntilReady(kubernetes, service, { timeoutMs: 180_000 })
  step(`after the remedy all ${stored} rows were there and the service Ready within ${since(mended)}`)
})

test('deleted while Kafka and Postgres do not answer: the deletion ends', async () => {
  const kubernetes = await cluster()
  const heals = [
    await unplugPod(kubernetes, namespace, `${name}-kafka-0`),
    await freezePod(kubernetes, namespace, `${name}-postgres-0`),
  ]
  const began = Date.now()
  try {
    await kubectl('delete', `dsvc/${name}`, '--timeout=30s')
    step(`the DataService was gone after ${since(began)}`)
  } finally {
    // Their pods would be killed by Kubernetes after the time they have to end.
    for (const heal of heals) await heal()
  }
  await settledIn(120_000, async () => expect(await kubectl('get', 'pods', '-o', 'name')).toBe(''))
  step(`  its pods after ${since(began)}`)
  const kinds = 'all,secrets,configmaps,serviceaccounts,pdb,hpa,pvc,networkpolicies'
  const mine = ['-l', `app.kubernetes.io/instance=${name}`]
  const left = (await kubectl('get', kinds, ...mine, '-o', 'name')).trim().split('\n').sort()
  expect(left).toEqual([
    `persistentvolumeclaim/data-${name}-kafka-0`,
    `persistentvolumeclaim/data-${name}-postgres-0`,
    `secret/${name}-credentials`,
    `secret/${name}-identity`,
  ])
})

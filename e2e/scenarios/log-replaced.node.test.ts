/** Somebody deletes the topic and makes it anew, as kafka-topics does. And a namespace is deleted under load. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readService, sql, waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { settledIn } from './settled.ts'
import { declare, whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const service = { namespace: 'log-replaced', name: 'renewed' }
const { namespace, name } = service
const topic = `${namespace}.${name}.events`
let ledger: Ledger

beforeAll(async () => {
  const kubernetes = await cluster()
  await declare(kubernetes, service)
  await whenReady(kubernetes, service)
  ledger = await openLedger(kubernetes, service)
})
afterAll(async () => {
  const gone = ['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']
  await (await cluster()).kubectl(gone)
})

const kubectl = async (...args: string[]): Promise<string> =>
  (await cluster()).kubectl(['-n', namespace, ...args])
const since = (began: number): string => `${((Date.now() - began) / 1000).toFixed(1)} s`

/** What `kafka-topics.sh` starts; the script itself is not in every image. */
async function kafkaTopics(...args: string[]): Promise<string> {
  const java = ['java', '-Xmx64m', '-XX:TieredStopAtLevel=1', '-cp', '/opt/kafka/libs/*']
  const tool = [...java, 'org.apache.kafka.tools.TopicCommand', '--bootstrap-server', 'localhost:9092']
  return kubectl('exec', `${name}-kafka-0`, '-c', 'kafka', '--', ...tool, ...args)
}

/** Where each partition stands: next offset and last event id. */
const positions = async (): Promise<string> =>
  sql(await cluster(), service, 'SELECT partition, next_offset, last_id FROM ingest_offsets ORDER BY 1')
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
  const before = { positions: await positions(), rows: await rows() }

  await kafkaTopics('--delete', '--topic', topic)
  await kafkaTopics('--create', '--topic', topic, '--partitions', '2', '--replication-factor', '1')
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
  await post(300)
  expect({ positions: await positions(), rows: await rows() }).toEqual(before)

  // Exactly what the message says.
  expect(told?.message).toContain('delete the row of this partition in the table ingest_offsets')
  await sql(kubernetes, service, `DELETE FROM ingest_offsets WHERE topic = '${topic}'`)
  await kubectl('rollout', 'restart', `deployment/${name}-writer`)
  const mended = Date.now()
  const stored = await ledger.balanced()
  await waitUntilReady(kubernetes, service, { timeoutMs: 180_000 })
  step(`after the remedy all ${stored} rows were there and the service Ready within ${since(mended)}`)
})

test('a namespace that is deleted under load is gone within a minute', async () => {
  const load = ledger.startLoad()
  await settledIn(60_000, async () => expect(load.answers.at(-1)?.status).toBe(202))
  const began = Date.now()
  try {
    await kubectl('delete', 'namespace', namespace, '--timeout=60s')
    step(`the namespace was gone after ${since(began)}`)
  } finally {
    await load.stop()
  }
})

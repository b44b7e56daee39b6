/** A service at work gets three brokers instead of one: next to nobody sees it, and every record is on all of them afterwards. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceAddress } from '#e2e/stack/address.ts'
import { readService, waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { oddPosts } from './leaders-move.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { oddReads } from './odd-reads.ts'
import { startReading } from './reading-load.ts'
import { settledIn, since } from './settled.ts'
import { declare, whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const service = { namespace: 'growing', name: 'sprout' }
const { namespace, name } = service
/** Under load a pod gets time in proportion to what it asks for. */
const resources = { requests: { cpu: '150m' } }
const answering = { autoscaling: { mode: 'Off' }, resources }
/** Three brokers that start are not to take it from those that answer. */
const others = {
  gateway: answering,
  reader: { replicas: 1, ...answering },
  postgres: {
    managed: { storage: { size: '1Gi' }, resources: { requests: { cpu: '150m', memory: '256Mi' } } },
  },
}
const withBrokers = (brokers: 1 | 3) => ({
  kafka: { managed: { brokers, storage: { size: '1Gi' }, resources }, topic: { partitions: 3 } },
  ...others,
})
let ledger: Ledger
let url = ''

beforeAll(async () => {
  const kubernetes = await cluster()
  await declare(kubernetes, service, withBrokers(1))
  await whenReady(kubernetes, service)
  url = (await serviceAddress(kubernetes, namespace, `${name}-gateway`)).url
  ledger = await openLedger(kubernetes, service)
  await ledger.post(2_000)
  await ledger.balanced()
})
afterAll(async () => {
  await (await cluster()).kubectl(['delete', 'namespace', namespace, '--wait=false'])
})

/** Runs one of Kafka's own tools in the first broker's pod. */
async function tool(main: string, ...args: string[]): Promise<string> {
  const java = ['java', '-Xmx64m', '-XX:TieredStopAtLevel=1', '-cp', '/opt/kafka/libs/*']
  const command = [...java, main, '--bootstrap-server', 'localhost:9092', ...args]
  return (await cluster()).kubectl([
    '-n',
    namespace,
    'exec',
    `${name}-kafka-0`,
    '-c',
    'kafka',
    '--',
    ...command,
  ])
}

test('from one broker to three under load: no GET fails, at most one POST in two hundred is told 503 and what to send again, no record is lost', async () => {
  const kubernetes = await cluster()
  const before = await readService(kubernetes, service)
  expect(before.status?.conditions?.find(({ type }) => type === 'Durable')?.reason).toBe('SingleBroker')
  const load = ledger.startLoad()
  const reading = startReading({ url, ids: ledger.acknowledged().slice(), newestWrite: ledger.newestWrite })
  const began = Date.now()
  try {
    await declare(kubernetes, service, withBrokers(3))
    await waitUntilReady(kubernetes, service, {
      timeoutMs: 420_000,
      onChange: message => step(`  ${message}`),
    })
    await settledIn(120_000, async () => {
      const { status } = await readService(kubernetes, service)
      const durable = status?.conditions?.find(({ type }) => type === 'Durable')
      expect(['Replicated', 'BrokersShareNode']).toContain(durable?.reason)
    })
  } finally {
    await Promise.all([load.stop(), reading.stop()])
  }
  const { answers } = load
  const odd = [...oddPosts(answers), ...oddReads(reading.reads)]
  const refused = answers.filter(({ status }) => status !== 202)
  step(
    `three brokers after ${since(began)}: ${answers.length} POSTs, ${refused.length} of them not accepted, ${reading.reads.length} GETs, ${odd.length} not as they should be`,
  )
  expect(odd).toEqual([])
  step(`${await ledger.balanced()} rows, none lost`)
})

test('every partition is on three brokers, two have to have a record, and three controllers vote', async () => {
  await settledIn(60_000, async () => {
    const topics = await tool('org.apache.kafka.tools.TopicCommand', '--describe')
    const partitions = topics.split('\n').filter(line => line.includes('Leader:'))
    expect(partitions.length).toBeGreaterThan(3)
    for (const line of partitions) expect(line).toMatch(/Isr: \d,\d,\d/)
    expect(topics).toMatch(new RegExp(`Topic: ${namespace}.${name}.events\\s.*min.insync.replicas=2`))
  })
  const quorum = await tool('org.apache.kafka.tools.MetadataQuorumCommand', 'describe', '--status')
  expect(quorum.match(/CurrentVoters:.*/)?.[0].match(/"id": \d/g)).toHaveLength(3)
})

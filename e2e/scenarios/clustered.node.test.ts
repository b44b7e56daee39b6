/** Three brokers and a Postgres with a replica: what one of each may do to its users is nothing. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceAddress } from '#e2e/stack/address.ts'
import { type Posted, postRecords } from '#e2e/stack/post.ts'
import { type ServiceRef, sql, waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { killPod } from './kill.ts'
import { complaints, judge, type StoredRecord } from './oracle.ts'
import { settledIn } from './settled.ts'
import { cluster } from './stack.ts'

const ledger: ServiceRef = { namespace: 'clustered', name: 'ledger' }
const small = { requests: { cpu: '20m' } }

const manifest = {
  apiVersion: 'dataservice.dev/v1alpha1',
  kind: 'DataService',
  metadata: ledger,
  spec: {
    replicas: 1,
    record: {
      schema: {
        type: 'object',
        required: ['account', 'amount'],
        properties: { account: { type: 'string', maxLength: 16 }, amount: { type: 'integer' } },
      },
      indexes: [{ fields: ['/account'] }],
    },
    gateway: { resources: small },
    writer: { replicas: 1, resources: small },
    reader: { replicas: 1, resources: small },
    kafka: {
      managed: { brokers: 3, storage: { size: '1Gi' }, resources: small },
      topic: { partitions: 3 },
    },
    postgres: { managed: { instances: 2, storage: { size: '1Gi' }, resources: small } },
    redis: { managed: { resources: small } },
  },
}

/** Everything that was ever posted, for the oracle. */
const account: Posted = { acknowledged: new Map(), unknown: [], setbacks: 0 }
let url = ''
let next = 0

beforeAll(async () => {
  const kubernetes = await cluster()
  await kubernetes.kubectl(['create', 'namespace', ledger.namespace])
  await kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(manifest) })
  const began = Date.now()
  const service = await waitUntilReady(kubernetes, ledger, {
    timeoutMs: 300_000,
    onChange: text => step(`  ${text}`),
  })
  step(`three brokers and a replica are Ready after ${since(began)}`)
  expect(service.status?.conditions?.find(({ type }) => type === 'Durable')).toMatchObject({
    status: 'True',
    reason: 'Replicated',
  })
  url = (await serviceAddress(kubernetes, ledger.namespace, `${ledger.name}-gateway`)).url
})

afterAll(async () => {
  await (await cluster()).kubectl(['delete', 'namespace', ledger.namespace, '--wait=false'])
})

const since = (began: number): string => `${((Date.now() - began) / 1000).toFixed(1)} s`

/** Posts so many new records and adds them to the account. */
async function post(count: number, onProgress: (acknowledged: number) => void = () => {}): Promise<void> {
  const records = Array.from({ length: count }, () => {
    const number = next++
    return `{"account":"a${number % 50}","amount":${number}}`
  })
  const posted = await postRecords(records, {
    url,
    batch: 50,
    concurrency: 2,
    patienceMs: 120_000,
    onProgress,
  })
  expect(posted.acknowledged.size).toBe(count)
  for (const [id, text] of posted.acknowledged) account.acknowledged.set(id, text)
  account.unknown.push(...posted.unknown)
  account.setbacks += posted.setbacks
}

async function stored(): Promise<StoredRecord[]> {
  const rows = await sql(await cluster(), ledger, "SELECT id || ' ' || body::text FROM records")
  const lines = rows.split('\n').filter(line => line !== '')
  return lines.map(line => ({ id: line.slice(0, 36), text: line.slice(37) }))
}

const balanced = () =>
  settledIn(120_000, async () => {
    expect(complaints(await judge({ ...account, stored: await stored() }))).toEqual([])
  })

test('a broker that is killed under load costs no record', async () => {
  const kubernetes = await cluster()
  const kills: Promise<void>[] = []
  const began = Date.now()
  await post(6_000, acknowledged => {
    if (kills.length === 0 && acknowledged >= 2_000)
      kills.push(killPod(kubernetes, ledger.namespace, `${ledger.name}-kafka-1`))
  })
  expect(kills).toHaveLength(1)
  await Promise.all(kills)
  step(`6000 records around a killed broker took ${since(began)}, ${account.setbacks} setbacks`)
  await balanced()
})

test('a change of the brokers restarts them one by one, and no acknowledged record is lost', async () => {
  const kubernetes = await cluster()
  await waitUntilReady(kubernetes, ledger, { timeoutMs: 120_000 })
  const before = await brokers()
  const change = { spec: { kafka: { managed: { resources: { requests: { cpu: '30m' } } } } } }
  const patch = ['patch', `dsvc/${ledger.name}`, '--type=merge', '-p', JSON.stringify(change)]
  await kubernetes.kubectl(['-n', ledger.namespace, ...patch])
  const began = Date.now()
  const order: string[] = []
  for (;;) {
    await post(100)
    const now = await brokers()
    const away = before.filter(({ name }) => !now.some(each => each.name === name && each.isReady))
    expect(away.length, JSON.stringify(now)).toBeLessThanOrEqual(1)
    const replaced = before.filter(({ name, uid }) =>
      now.some(each => each.name === name && each.uid !== uid),
    )
    order.push(...replaced.map(({ name }) => name).filter(name => !order.includes(name)))
    if (order.length === 3 && away.length === 0) break
    if (Date.now() - began > 240_000) throw new Error(`only ${order} were restarted: ${JSON.stringify(now)}`)
    await delay(200)
  }
  await waitUntilReady(kubernetes, ledger, { timeoutMs: 120_000 })
  step(`restarted ${order.join(', ')} within ${since(began)} under load, ${account.setbacks} setbacks in all`)
  await balanced()
})

interface Broker {
  name: string
  uid: string
  isReady: boolean
}

async function brokers(): Promise<Broker[]> {
  const selector = 'app.kubernetes.io/component=kafka'
  const text = await (await cluster()).kubectl([
    '-n',
    ledger.namespace,
    'get',
    'pods',
    '-l',
    selector,
    '-o',
    'json',
  ])
  const { items } = JSON.parse(text) as {
    items: {
      metadata: { name: string; uid: string }
      status: { conditions?: { type: string; status: string }[] }
    }[]
  }
  return items.map(({ metadata, status }) => ({
    name: metadata.name,
    uid: metadata.uid,
    isReady: (status.conditions ?? []).some(each => each.type === 'Ready' && each.status === 'True'),
  }))
}

test.each([
  { pod: `${ledger.name}-postgres-1`, firstId: 0 },
  { pod: `${ledger.name}-redis-0`, firstId: 3_000 },
])('reads come from the replica, and go on while the pod $pod is killed', async ({ pod, firstId }) => {
  const kubernetes = await cluster()
  const ids = [...account.acknowledged.keys()].slice(firstId)
  // Only a record that nobody asked for yet is surely not in the cache.
  await settledIn(60_000, async () => {
    expect(await statusOf(ids.shift())).toBe(200)
    expect(Number(await readersAtReplica())).toBeGreaterThan(0)
  })
  const restarts = await restartsOf(pod)
  await killPod(kubernetes, ledger.namespace, pod)
  const answers = new Map<number, number>()
  const deadline = Date.now() + 60_000
  for (let isBack = false; !isBack; ) {
    if (Date.now() > deadline) throw new Error(`${pod} did not come back`)
    for (let each = 0; each < 20; each++) {
      const status = await statusOf(ids.shift())
      answers.set(status, (answers.get(status) ?? 0) + 1)
    }
    isBack = (await restartsOf(pod)) > restarts && (await isReady(pod))
  }
  step(`answers while ${pod} was away: ${JSON.stringify([...answers])}`)
  expect([...answers.keys()]).toEqual([200])
  await settledIn(60_000, async () => {
    expect(await statusOf(ids.shift())).toBe(200)
    expect(Number(await readersAtReplica())).toBeGreaterThan(0)
  })
})

async function statusOf(id: string | undefined): Promise<number> {
  const response = await fetch(`${url}/data/${id}`, { signal: AbortSignal.timeout(20_000) })
  await response.text()
  return response.status
}

async function restartsOf(pod: string): Promise<number> {
  const field = 'jsonpath={.status.containerStatuses[0].restartCount}'
  return Number(await (await cluster()).kubectl(['-n', ledger.namespace, 'get', `pod/${pod}`, '-o', field]))
}

async function isReady(pod: string): Promise<boolean> {
  const field = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
  return (
    (await (await cluster()).kubectl(['-n', ledger.namespace, 'get', `pod/${pod}`, '-o', field])) === 'True'
  )
}

/** Connections of the reader at the replica. */
async function readersAtReplica(): Promise<string> {
  const query =
    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'dataservice_reader' AND pg_is_in_recovery()"
  const psql = ['psql', '-U', 'postgres', '-d', 'dataservice', '-qAtc', query]
  const exec = ['exec', `${ledger.name}-postgres-1`, '-c', 'postgres', '--', ...psql]
  return (await cluster()).kubectl(['-n', ledger.namespace, ...exec])
}

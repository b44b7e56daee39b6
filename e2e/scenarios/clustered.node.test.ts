/** Three brokers and a Postgres with a replica: what one of each may do to its users is nothing. */
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { apiVersion, kind } from '#crds/v1alpha1/operation.ts'
import { serviceAddress } from '#e2e/stack/address.ts'
import { readService, waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { unplugPod } from './away.ts'
import { brokerCpu, clustered, declareClustered } from './clustered-service.ts'
import { podsOf } from './evictions.ts'
import { killPod } from './kill.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { unseen, untrueReads } from './odd-reads.ts'
import { startReading } from './reading-load.ts'
import { settledIn, since } from './settled.ts'
import { whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const { namespace, name } = clustered
let ledger: Ledger
let url = ''

// The namespace stays: losing a node has its own scenario, later and alone, with the same service.
beforeAll(async () => {
  const kubernetes = await cluster()
  await declareClustered(kubernetes, brokerCpu.first)
  const began = Date.now()
  await whenReady(kubernetes, clustered)
  step(`three brokers and a replica are Ready after ${since(began)}`)
  const { status } = await readService(kubernetes, clustered)
  expect(status?.conditions?.find(({ type }) => type === 'Durable')).toMatchObject({
    status: 'True',
    reason: 'Replicated',
  })
  url = (await serviceAddress(kubernetes, namespace, `${name}-gateway`)).url
  ledger = await openLedger(kubernetes, clustered)
  await ledger.post(3_000) // enough to be read one by one
})

test('a change of the brokers restarts them one by one, and no acknowledged record is lost', async () => {
  const kubernetes = await cluster()
  await waitUntilReady(kubernetes, clustered, { timeoutMs: 120_000 })
  const before = await podsOf(kubernetes, clustered, 'kafka')
  await declareClustered(kubernetes, brokerCpu.changed)
  const began = Date.now()
  const order: string[] = []
  for (;;) {
    await ledger.post(100)
    const now = await podsOf(kubernetes, clustered, 'kafka')
    const away = before.filter(({ name }) => !now.some(each => each.name === name && each.isReady))
    expect(away.length, JSON.stringify(now)).toBeLessThanOrEqual(1)
    const replaced = before.filter(({ name, uid }) =>
      now.some(each => each.name === name && each.uid !== uid),
    )
    order.push(...replaced.map(({ name }) => name).filter(name => !order.includes(name)))
    if (order.length === 3 && away.length === 0) break
    if (Date.now() - began > 360_000) throw new Error(`only ${order} were restarted: ${JSON.stringify(now)}`)
    await delay(200)
  }
  await waitUntilReady(kubernetes, clustered, { timeoutMs: 120_000 })
  step(
    `restarted ${order.join(', ')} within ${since(began)} under load, ${ledger.setbacks()} setbacks in all`,
  )
  await ledger.balanced()
})

test.each([
  { pod: `${name}-postgres-1`, firstId: 0 },
  { pod: `${name}-redis-0`, firstId: 1_500 },
])('reads come from the replica, and go on while the pod $pod is killed', async ({ pod, firstId }) => {
  const kubernetes = await cluster()
  const ids = ledger.acknowledged().slice(firstId)
  // Only a record that nobody asked for yet is surely not in the cache.
  await settledIn(60_000, async () => {
    expect(await statusOf(ids.shift())).toBe(200)
    expect(Number(await readersAtReplica())).toBeGreaterThan(0)
  })
  const restarts = await restartsOf(pod)
  await killPod(kubernetes, namespace, pod)
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

test.each([
  { instance: 1, from: 0, state: 'the old one alone has the end and cannot send it', prepare: cutOffEnd },
  { instance: 0, from: 1, state: 'the old one sends all it has', prepare: async () => {} },
])('postgres-$instance is promoted under load while $state: no acknowledged record is lost', async round => {
  const { instance, from, prepare } = round
  const kubernetes = await cluster()
  await waitUntilReady(kubernetes, clustered, { timeoutMs: 120_000 })
  const ids = ledger.acknowledged().slice(0, 1_000)
  const reading = startReading({ url, ids, newestWrite: ledger.newestWrite })
  try {
    await prepare(postgres(from), postgres(instance))
    await promoted(instance)
    await ledger.post(200)
    await ledger.balanced()
    await waitUntilReady(kubernetes, clustered, { timeoutMs: 180_000 }) // the old one follows
  } finally {
    await reading.stop()
  }
  expect([...untrueReads(reading.reads), ...unseen(reading.reads)]).toEqual([])
})

const postgres = (instance: number): string => `${name}-postgres-${instance}`

/** First the replica's cable is pulled, then, when it has missed something, that of the primary, whose pod goes with it. */
async function cutOffEnd(old: string, replica: string): Promise<void> {
  const kubernetes = await cluster()
  const plugIn = await unplugPod(kubernetes, namespace, replica)
  try {
    await ledger.post(200)
    const end = ledger.acknowledged().slice(-200)
    await settledIn(60_000, async () => expect(await storedIn(old, end)).toBe(200))
    onTestFinished(await unplugPod(kubernetes, namespace, old))
    expect(await storedIn(replica, end)).toBe(0)
  } finally {
    await plugIn()
  }
}

async function promoted(instance: number): Promise<void> {
  const operation = `promote-${instance}`
  const manifest = {
    apiVersion,
    kind,
    metadata: { name: operation },
    spec: { dataService: name, type: 'Promote', promote: { instance } },
  }
  const began = Date.now()
  const input = JSON.stringify(manifest)
  await (await cluster()).kubectl(['-n', namespace, 'create', '-f', '-'], { input })
  const told = () =>
    inNamespace('get', `dsop/${operation}`, '-o', 'jsonpath={.status.phase}: {.status.message}')
  for (let said = ''; !said.startsWith('Succeeded'); said = await told()) {
    if (Date.now() - began > 400_000) throw new Error(`no other primary after ${since(began)}: ${said}`)
    await ledger.post(50)
  }
  const writes = await inNamespace(
    'get',
    `endpoints/${name}-postgres-rw`,
    '-o',
    'jsonpath={..targetRef.name}',
  )
  expect(writes).toBe(postgres(instance))
  step(`postgres-${instance} is the primary after ${since(began)}; ${ledger.setbacks()} setbacks in all`)
}

const inNamespace = async (...args: string[]): Promise<string> =>
  (await cluster()).kubectl(['-n', namespace, ...args])

async function statusOf(id: string | undefined): Promise<number> {
  const response = await fetch(`${url}/data/${id}`, { signal: AbortSignal.timeout(20_000) })
  await response.text()
  return response.status
}

async function restartsOf(pod: string): Promise<number> {
  const field = 'jsonpath={.status.containerStatuses[0].restartCount}'
  return Number(await inNamespace('get', `pod/${pod}`, '-o', field))
}

async function isReady(pod: string): Promise<boolean> {
  const field = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
  return (await inNamespace('get', `pod/${pod}`, '-o', field)) === 'True'
}

/** Connections of the reader at the replica. */
const readersAtReplica = (): Promise<string> =>
  ask(
    postgres(1),
    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'dataservice_reader' AND pg_is_in_recovery()",
  )

/** How many of these records this very pod has. */
const storedIn = async (pod: string, ids: readonly string[]): Promise<number> =>
  Number(await ask(pod, `SELECT count(*) FROM records WHERE id = ANY ('{${ids.join(',')}}')`))

const ask = (pod: string, query: string): Promise<string> =>
  inNamespace(
    ...['exec', pod, '-c', 'postgres', '--', 'psql', '-U', 'postgres', '-d', 'dataservice', '-qAtc', query],
  )

/** Data that outlives its DataService, volumes that do not, and what a user is told of both. In a namespace of its own. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceAddress } from '#e2e/stack/address.ts'
import { flightRecords } from '#e2e/stack/flights.ts'
import { postRecords } from '#e2e/stack/post.ts'
import { countStored, readService, sql, waitUntilReady } from '#e2e/stack/service.ts'
import { settledIn } from './settled.ts'
import { declare as declareSmall, record } from './small-service.ts'
import { cluster } from './stack.ts'

const service = { namespace: 'retained', name: 'kept' }
const dataParts = ['kafka', 'postgres'] as const
const patience = { timeoutMs: 180_000 }
const stored: string[] = []

const kubectl = async (...args: string[]): Promise<string> =>
  (await cluster()).kubectl(['-n', service.namespace, ...args])
const declare = async (key: string): Promise<void> => declareSmall(await cluster(), service, recordBy(key))
const recordBy = (key: string): object => ({ record: { ...record, key } })

const remove = (): Promise<string> => kubectl('delete', `dsvc/${service.name}`, '--timeout=60s')

/** Everything of ours in the namespace, sorted. */
async function left(): Promise<string[]> {
  const kinds = 'all,secrets,configmaps,serviceaccounts,pdb,hpa,pvc,networkpolicies'
  const label = `app.kubernetes.io/instance=${service.name}`
  return (await kubectl('get', kinds, '-l', label, '-o', 'name'))
    .split('\n')
    .filter(line => line !== '')
    .sort()
}

async function condition(type: string): Promise<string> {
  const { status } = await readService(await cluster(), service)
  const found = status?.conditions?.find(each => each.type === type)
  return `${found?.status}/${found?.reason}: ${found?.message}`
}

/** Posts some flights and waits until Postgres holds each once. */
async function post(from: number, to: number): Promise<void> {
  const kubernetes = await cluster()
  const address = await serviceAddress(kubernetes, service.namespace, `${service.name}-gateway`)
  const records = (await flightRecords()).slice(from, to)
  const options = { url: address.url, batch: 100, concurrency: 2, patienceMs: 60_000 }
  const { acknowledged } = await postRecords(records, options)
  address.close()
  stored.push(...acknowledged.keys())
  await settledIn(60_000, async () => expect(await total()).toBe(stored.length))
}

const total = async (): Promise<number> =>
  Number(await sql(await cluster(), service, 'SELECT count(*) FROM records'))

/** Removes what is in a part's volume, and the pod that had it open. */
async function emptyVolume(part: (typeof dataParts)[number]): Promise<void> {
  const pod = `${service.name}-${part}-0`
  const node = await kubectl('get', `pod/${pod}`, '-o', 'jsonpath={.spec.nodeName}')
  const volume = await kubectl('get', `pvc/data-${pod}`, '-o', 'jsonpath={.spec.volumeName}')
  // Until then the engine goes on writing, also into folders that are just being removed.
  const emptied = `until find /run/node/volumes/${volume} -mindepth 1 -delete; do :; done`
  await (await cluster()).nodeExec(node.trim(), ['timeout', '30', 'sh', '-c', emptied])
  await kubectl('delete', `pod/${pod}`, '--grace-period=1', '--wait=false')
}

beforeAll(async () => {
  await declare('/origin')
  await waitUntilReady(await cluster(), service, patience)
})
afterAll(() => kubectl('delete', `namespace/${service.namespace}`, '--ignore-not-found', '--timeout=120s'))

test('deleted with Retain only volumes and the two Secrets are left', async () => {
  await post(0, 300)
  await remove()
  await settledIn(120_000, async () =>
    expect(await left()).toEqual([
      'persistentvolumeclaim/data-kept-kafka-0',
      'persistentvolumeclaim/data-kept-postgres-0',
      'secret/kept-credentials',
      'secret/kept-identity',
    ]),
  )
})

test('one declared otherwise does not touch the data, and says what differs', async () => {
  await declare('/destination')
  await settledIn(120_000, async () => {
    const stalled = await condition('Stalled')
    expect(stalled).toContain('True/RetainedDataDiffers')
    expect(stalled).toContain('spec.record.key was /origin when the data was stored and is /destination now')
  })
  await remove()
})

test('one of the same declaration finds its data and goes on at its offsets', async () => {
  await declare('/origin')
  await waitUntilReady(await cluster(), service, patience)
  expect(await countStored(await cluster(), service, stored)).toEqual({
    rows: stored.length,
    ids: stored.length,
  })
  await post(300, 400)
  expect(await countStored(await cluster(), service, stored)).toEqual({ rows: 400, ids: 400 })
  const offsets = await sql(await cluster(), service, 'SELECT sum(next_offset) FROM ingest_offsets')
  expect(Number(offsets)).toBe(400)
})

test('where the log alone goes with it, the next one goes on with an empty log and all that was stored', async () => {
  const leaves = '{"spec":{"kafka":{"deletionPolicy":"Delete"}}}'
  await kubectl('patch', `dsvc/${service.name}`, '--type=merge', '-p', leaves)
  await settledIn(30_000, async () => {
    const owner = 'jsonpath={.metadata.ownerReferences[*].kind}'
    expect(await kubectl('get', 'pvc/data-kept-kafka-0', '-o', owner)).toBe('StatefulSet')
    expect(await kubectl('get', 'secret/kept-identity', '-o', 'yaml')).toMatch(/leaves-with: \S+ kafka/)
  })
  await remove()
  await settledIn(120_000, async () =>
    expect(await left()).toEqual([
      'persistentvolumeclaim/data-kept-postgres-0',
      'secret/kept-credentials',
      'secret/kept-identity',
    ]),
  )
  await declare('/origin')
  await waitUntilReady(await cluster(), service, patience)
  await post(400, 450)
  expect(await countStored(await cluster(), service, stored)).toEqual({ rows: 450, ids: 450 })
  const offsets = await sql(await cluster(), service, 'SELECT sum(next_offset) FROM ingest_offsets')
  expect(Number(offsets)).toBe(50)
})

test('a volume emptied by hand is never initialised silently', async () => {
  for (const part of dataParts) await emptyVolume(part)
  await settledIn(120_000, async () => {
    expect(await condition('LogReady')).toContain('False/VolumeLost')
    expect(await condition('DatabaseReady')).toContain('False/VolumeLost')
    expect(await condition('Stalled')).toContain(
      `kubectl -n ${service.namespace} annotate dsvc/kept dataservice.dev/reinitialise=kafka`,
    )
  })
})

test('the annotation lets the lost parts start anew', async () => {
  await kubectl('annotate', `dsvc/${service.name}`, 'dataservice.dev/reinitialise=kafka,postgres')
  await waitUntilReady(await cluster(), service, patience)
  expect(await total()).toBe(0)
  stored.length = 0
  await post(400, 500)
})

test('deleted with Delete nothing is left', async () => {
  await kubectl('patch', `dsvc/${service.name}`, '--type=merge', '-p', '{"spec":{"deletionPolicy":"Delete"}}')
  await settledIn(30_000, async () => {
    const owners = 'jsonpath={range .items[*]}{.metadata.ownerReferences[*].kind} {end}'
    const kept = await kubectl(
      'get',
      'secrets,pvc',
      '-l',
      `app.kubernetes.io/instance=${service.name}`,
      '-o',
      owners,
    )
    expect(kept.trim().split(/\s+/).sort()).toEqual([
      'DataService',
      'DataService',
      'StatefulSet',
      'StatefulSet',
    ])
  })
  await remove()
  await settledIn(120_000, async () => expect(await left()).toEqual([]))
})

test('a namespace with a DataService that is starting ends within 60 s', async () => {
  await declare('/origin')
  await settledIn(60_000, async () =>
    expect(await kubectl('get', 'pods', '-o', 'name')).toContain('kept-kafka-0'),
  )
  await kubectl('delete', `namespace/${service.namespace}`, '--timeout=60s')
})

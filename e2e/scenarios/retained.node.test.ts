/** Data that outlives its DataService, volumes that do not, and what a user is told of both. In a namespace of its own. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readService, sql } from '#e2e/stack/service.ts'
import { emptyVolume } from './empty-volume.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { settledIn } from './settled.ts'
import { declare as declareSmall, record, removeNamespace, whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const service = { namespace: 'retained', name: 'kept' }
/** Of what was posted last. */
let ledger: Ledger
/** Rows that were there before that. */
let earlier = 0

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

/** Posts so many records to one that is Ready and waits until Postgres holds each once; answers the number of new rows. */
async function post(records: number): Promise<number> {
  earlier = await total()
  ledger = await openLedger(await cluster(), service)
  await ledger.post(records)
  const rows = await ledger.balanced()
  expect(await total()).toBe(earlier + rows)
  return rows
}

const offsets = async (): Promise<number> =>
  Number(await sql(await cluster(), service, 'SELECT sum(next_offset) FROM ingest_offsets'))

const total = async (): Promise<number> =>
  Number(await sql(await cluster(), service, 'SELECT count(*) FROM records'))

beforeAll(async () => {
  await declare('/origin')
  await whenReady(await cluster(), service)
})
afterAll(() => kubectl('delete', `namespace/${service.namespace}`, '--ignore-not-found', '--timeout=120s'))

test('deleted with Retain only volumes and the two Secrets are left', async () => {
  await post(300)
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
  await whenReady(await cluster(), service)
  const found = await ledger.balanced()
  expect(found + (await post(100))).toBe(await offsets())
})

test('where the log alone goes with it, the next one goes on with an empty log and all that was stored', async () => {
  const [before, all] = [earlier, await total()]
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
  await whenReady(await cluster(), service)
  expect([await ledger.balanced(), await total()]).toEqual([all - before, all])
  expect(await post(50)).toBe(await offsets())
})

test('a volume emptied by hand is never initialised silently', async () => {
  for (const part of ['kafka', 'postgres'] as const) await emptyVolume(await cluster(), service, part)
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
  await whenReady(await cluster(), service)
  expect(await total()).toBe(0)
  await post(100)
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
  await removeNamespace(await cluster(), service.namespace)
})

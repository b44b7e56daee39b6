/** A service is put to sleep while records come in, sleeps without a pod, and wakes with all of them. In a namespace of its own. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readService } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { settledIn, since } from './settled.ts'
import { declare, small, whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const service = { namespace: 'hibernated', name: 'bear' }
const { namespace, name } = service
const patience = 180_000
let ledger: Ledger

const kubectl = async (...args: string[]): Promise<string> =>
  (await cluster()).kubectl(['-n', namespace, ...args])
const wish = (lifecycle: 'Running' | 'Hibernated'): Promise<string> =>
  kubectl('patch', `dsvc/${name}`, '--type=merge', '-p', JSON.stringify({ spec: { lifecycle } }))
const lines = async (...args: string[]): Promise<string[]> =>
  (await kubectl(...args)).split('\n').filter(line => line !== '')
const wanted = (part: string): Promise<string> =>
  kubectl('get', `deployment/${name}-${part}`, '-o', 'jsonpath={.spec.replicas}')
/** Those of Jobs that have ended stay, as they do while it runs. */
const pods = (): Promise<string[]> =>
  lines('get', 'pods', '--field-selector=status.phase!=Succeeded', '-o', 'name')

async function ready(): Promise<string> {
  const { status, metadata } = await readService(await cluster(), service)
  const found = status?.conditions?.find(({ type }) => type === 'Ready')
  return status?.observedGeneration === metadata.generation
    ? `${found?.status}/${found?.reason}: ${found?.message}`
    : ''
}

beforeAll(async () => {
  // The writer has no number of its own: what kubectl scale asked for has to come back.
  await declare(await cluster(), service, {
    writer: small,
    gateway: { autoscaling: { maxReplicas: 2 }, ...small },
  })
  await whenReady(await cluster(), service)
  ledger = await openLedger(await cluster(), service)
  await kubectl('scale', `deployment/${name}-writer`, '--replicas=2')
})
afterAll(() => kubectl('delete', `namespace/${namespace}`, '--ignore-not-found', '--wait=false'))

test('it stores what was accepted, then every pod goes; volumes and Secrets stay', async () => {
  await Promise.all([1, 2, 3, 4].map(() => ledger.post(750)))
  const began = Date.now()
  await wish('Hibernated')
  await settledIn(patience, async () => expect(await ready()).toContain('True/Hibernated'))
  step(`asleep after ${since(began)}`)
  expect(await pods()).toEqual([])
  expect(await lines('get', 'hpa', '-o', 'name')).toEqual([])
  expect((await lines('get', 'pvc', '-o', 'name')).length).toBe(2)
  expect(await kubectl('get', 'cronjob', '-o', 'jsonpath={.items[*].spec.suspend}')).toBe('true')
  const { status } = await readService(await cluster(), service)
  expect(status?.hibernation?.replicas).toMatchObject({ writer: 2, reader: 1 })
})

test('what is changed meanwhile counts when it wakes, and a pod that is started by hand ends again', async () => {
  await kubectl('patch', `dsvc/${name}`, '--type=merge', '-p', '{"spec":{"reader":{"replicas":2}}}')
  await kubectl('scale', `deployment/${name}-writer`, '--replicas=1')
  await settledIn(patience, async () => {
    const { status } = await readService(await cluster(), service)
    expect(status?.hibernation?.replicas.writer).toBe(1)
    expect(await wanted('writer')).toBe('0')
    expect(await pods()).toEqual([])
    expect(await ready()).toContain('True/Hibernated')
  })
})

test('it wakes with every record and with its numbers, and takes more', async () => {
  const began = Date.now()
  await wish('Running')
  await whenReady(await cluster(), service)
  step(`awake after ${since(began)}`)
  await ledger.balanced(0)
  expect([await wanted('writer'), await wanted('reader')]).toEqual(['1', '2'])
  await settledIn(patience, async () =>
    expect(await lines('get', 'hpa', '-o', 'name')).toEqual([
      `horizontalpodautoscaler.autoscaling/${name}-gateway`,
    ]),
  )
  expect(await kubectl('get', 'cronjob', '-o', 'jsonpath={.items[*].spec.suspend}')).not.toBe('true')
  await ledger.post(500)
  await ledger.balanced()
})

test('while Postgres is away it waits and says why; then it goes on and loses nothing', async () => {
  const postgresOn = (nodeSelector: object | null): Promise<string> => {
    const spec = { postgres: { managed: { pod: { nodeSelector } } } }
    return kubectl('patch', `dsvc/${name}`, '--type=merge', '-p', JSON.stringify({ spec }))
  }
  await postgresOn({ nowhere: 'true' })
  await settledIn(patience, async () => expect(await ready()).toContain('False/PostgresUnschedulable'))
  await ledger.post(200)
  await wish('Hibernated')
  await settledIn(patience, async () => {
    expect(await ready()).toMatch(/False\/LogNotStored: .*pod bear-postgres-0 fits on no node/)
    expect(await wanted('gateway')).toBe('0')
  })
  expect(await wanted('writer')).toBe('1')
  await postgresOn(null)
  await settledIn(patience, async () => expect(await ready()).toContain('True/Hibernated'))
  await wish('Running')
  await whenReady(await cluster(), service)
  await ledger.balanced(0)
})

test('it can be deleted while it sleeps', async () => {
  await wish('Hibernated')
  await settledIn(patience, async () => expect(await ready()).toContain('True/Hibernated'))
  await kubectl('delete', `dsvc/${name}`, '--timeout=60s')
  await settledIn(60_000, async () =>
    expect(await lines('get', 'deployments,statefulsets', '-o', 'name')).toEqual([]),
  )
})

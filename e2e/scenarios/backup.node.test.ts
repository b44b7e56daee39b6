/** Disasters and restores: the account of all that was posted balances again, or says what is lost. In a namespace of its own. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiVersion, kind, type Operation, type OperationSpec } from '#crds/v1alpha1/operation.ts'
import { countStored, readService, sql } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { emptyVolume } from './empty-volume.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { settledIn, since } from './settled.ts'
import { declare, whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const service = { namespace: 'backup', name: 'vault' }
const { namespace, name } = service
const patience = 240_000
let ledger: Ledger
/** A moment with the first records stored and none of the others, the number of rows then, and what was acknowledged. */
const asOf = { moment: '', rows: 0, acknowledged: [] as readonly string[] }

const kubectl = async (...args: string[]): Promise<string> =>
  (await cluster()).kubectl(['-n', namespace, ...args])

async function condition(type: string): Promise<string> {
  const { status } = await readService(await cluster(), service)
  const found = status?.conditions?.find(each => each.type === type)
  return `${found?.status}/${found?.reason}: ${found?.message}`
}

/** Waits for the end of an operation; answers it. */
async function done(operation: string, spec: Pick<OperationSpec, 'type' | 'restore'>): Promise<Operation> {
  const began = Date.now()
  const wish = { apiVersion, kind, metadata: { name: operation }, spec: { dataService: name, ...spec } }
  await (await cluster()).kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(wish) })
  return ended(operation, began)
}

async function ended(operation: string, began = Date.now()): Promise<Operation> {
  const found = await settledIn(patience, async () => {
    const seen = JSON.parse(await kubectl('get', `dsop/${operation}`, '-o', 'json')) as Operation
    expect(seen.status?.completedAt, seen.status?.message).toBeDefined()
    return seen
  })
  step(`${operation} after ${since(began)}: ${found.status?.message}`)
  expect(found.status?.phase, found.status?.message).toBe('Succeeded')
  return found
}

const total = async (): Promise<number> =>
  Number(await sql(await cluster(), service, 'SELECT count(*) FROM records'))

beforeAll(async () => {
  await declare(await cluster(), service, { backup: { volume: { size: '1Gi' } } })
  await whenReady(await cluster(), service)
  ledger = await openLedger(await cluster(), service)
})
afterAll(() => kubectl('delete', `namespace/${namespace}`, '--ignore-not-found', '--wait=false'))

test('a copy is made and proved', async () => {
  await ledger.post(500)
  asOf.rows = await ledger.balanced()
  asOf.acknowledged = ledger.acknowledged()
  const { status } = await done('first', { type: 'Backup' })
  expect(status?.backup?.bytes).toBeGreaterThan(1_000_000)
  await settledIn(patience, async () => expect(await condition('BackupReady')).toContain('True/Archiving'))
  const now = await sql(await cluster(), service, 'SELECT clock_timestamp()::timestamptz(3)')
  asOf.moment = new Date(now.trim()).toISOString()
  await ledger.post(500)
  await ledger.balanced()
})

test('the volume of Postgres is lost: the last comes back, and what was accepted meanwhile is stored', async () => {
  await emptyVolume(await cluster(), service, 'postgres')
  await settledIn(patience, async () =>
    expect(await condition('DatabaseReady')).toMatch(/False\/VolumeLost.*DataServiceOperation/),
  )
  await ledger.post(200)
  const { status } = await done('after-the-loss', { type: 'Restore' })
  expect(status?.restore).toMatchObject({ lostRecords: 0, movedPartitions: 0 })
  expect(await ledger.balanced()).toBeGreaterThanOrEqual(1200) // more when an answer was late
})

test('back to a moment: the writers store again what the log has after it, each once', async () => {
  const { status } = await done('to-the-moment', { type: 'Restore', restore: { time: asOf.moment } })
  expect(status?.restore).toMatchObject({ lostRecords: 0, movedPartitions: 0 })
  expect(await ledger.balanced()).toBeGreaterThanOrEqual(1200)
})

test('the log is lost, too: rows are as of the moment, and what is lost is counted', async () => {
  const reached = 'cat /var/lib/postgresql/backup/reached'
  const all = await ledger.balanced()
  await settledIn(patience, async () => {
    expect(await condition('BackupReady')).toContain('True/Archiving')
    const { positions } = JSON.parse(await kubectl('exec', `${name}-backup-0`, '--', 'sh', '-c', reached))
    const offsets = positions.map((each: { nextOffset: string }) => Number(each.nextOffset))
    expect(offsets.reduce((sum: number, offset: number) => sum + offset, 0)).toBe(all)
  })
  for (const part of ['kafka', 'postgres'] as const) await emptyVolume(await cluster(), service, part)
  await settledIn(patience, async () => expect(await condition('LogReady')).toContain('False/VolumeLost'))
  await kubectl('annotate', `dsvc/${name}`, 'dataservice.dev/reinitialise=kafka')
  const { status } = await done('all-lost', { type: 'Restore', restore: { time: asOf.moment } })
  expect(status?.restore).toMatchObject({ lostRecords: all - asOf.rows })
  expect(status?.restore?.movedPartitions).toBeGreaterThan(0)
  const { length } = asOf.acknowledged
  expect(await countStored(await cluster(), service, asOf.acknowledged)).toEqual({
    rows: length,
    ids: length,
  })
  expect(await total()).toBe(asOf.rows)
  ledger = await openLedger(await cluster(), service)
  await ledger.post(100)
  const more = await ledger.balanced()
  expect(await total()).toBe(asOf.rows + more)
})

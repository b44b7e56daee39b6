/** A DataService with something at engines of others is deleted, against a real API server; its Job is played. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { finalizer } from './reconcile/departure/finalizer.ts'
import { type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'
import { kafkaOfOthers, postgresOfOthers } from './testing/engines-of-others.ts'
import { playJob } from './testing/played.ts'
import { tenantOf } from './testing/tenant.ts'

const patience = 20_000
let namespace = ''
let operator: RunningOperator
const { inNamespace, read, create, patch, names } = tenantOf(() => namespace)

beforeAll(async () => {
  namespace = await newNamespace('departure')
  operator = await runOperator(namespace)
})
afterAll(() => operator.stop())

const spec = {
  ...smallestSpec,
  kafka: { external: kafkaOfOthers },
  postgres: { external: postgresOfOthers },
  deletionPolicy: 'Delete',
}
const finalizersOf = async (name: string): Promise<string[]> =>
  (await read<DataService>(`dsvc/${name}`)).metadata.finalizers ?? []
const removeJob = async (name: string): Promise<string> =>
  (await names('jobs')).find(each => each.startsWith(`job.batch/${name}-remove-`)) ?? ''

test('it is held from its first run on, for as long as something elsewhere goes with it', async () => {
  await create('orders', spec)
  await settledIn(patience, async () => {
    expect(await finalizersOf('orders')).toEqual([finalizer])
    expect(await names('jobs')).toEqual([expect.stringMatching(/orders-migrate-/)])
  })
  await patch('dsvc/orders', { spec: { deletionPolicy: 'Retain' } })
  await settledIn(patience, async () => expect(await finalizersOf('orders')).toEqual([]))
  // A finalizer of somebody else is theirs.
  await patch('dsvc/orders', {
    metadata: { finalizers: ['example.test/theirs'] },
    spec: { deletionPolicy: 'Delete' },
  })
  await settledIn(patience, async () =>
    expect(await finalizersOf('orders')).toEqual(['example.test/theirs', finalizer]),
  )
})

test('a Job takes away what is elsewhere, and then nothing of it is left', async () => {
  await inNamespace('delete', 'dsvc/orders', '--wait=false')
  await settledIn(patience, async () => expect(await removeJob('orders')).not.toBe(''))
  const job = await removeJob('orders')
  expect(await inNamespace('get', job, '-o', 'jsonpath={.metadata.ownerReferences}')).toBe('')
  for (const secret of ['identity', 'credentials'])
    expect(
      await inNamespace('get', `secret/orders-${secret}`, '-o', 'jsonpath={.metadata.ownerReferences}'),
    ).toBe('')
  expect(await finalizersOf('orders')).toContain(finalizer)
  await playJob(namespace, job)
  await settledIn(patience, async () => {
    expect(await finalizersOf('orders')).toEqual(['example.test/theirs'])
    expect(await removeJob('orders')).toBe('')
    expect(await names('secrets')).toEqual([])
    expect((await names('configmaps')).filter(each => each.includes('remove'))).toEqual([])
  })
  await patch('dsvc/orders', { metadata: { finalizers: [] } })
  await settledIn(patience, async () => expect(await names('dsvc')).toEqual([]))
})

test('a namespace that is being deleted does not wait', async () => {
  await create('last', spec)
  await settledIn(patience, async () => expect(await finalizersOf('last')).toEqual([finalizer]))
  await kubectl(['delete', 'namespace', namespace, '--wait=false'])
  await inNamespace('delete', 'dsvc/last', '--wait=false')
  await settledIn(patience, async () => expect(await names('dsvc')).toEqual([]))
})

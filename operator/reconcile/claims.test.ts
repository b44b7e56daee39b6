import { expect, test } from 'vitest'
import { certify } from '#operator/certificates/certify.ts'
import { InMemoryCluster } from '#operator/cluster/in-memory.ts'
import { retainedAnnotations } from '#operator/desired/labels.ts'
import { statefulSet } from '#operator/desired/stateful-set.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { factsOf } from '#operator/testing/world.ts'
import { inMemoryTopics } from '#operator/topics/in-memory.ts'
import { carryOut } from './carry-out.ts'
import { decide } from './decide.ts'
import type { Plan } from './plan.ts'

const owner = dataService()
const steps = [statefulSet(targetOf(owner), 'kafka') ?? []]
  .flat()
  .map(object => ({ do: 'apply' as const, object }))
const plan: Plan = { ...decide(factsOf({ owner })), steps }

const withClaim = async (annotations: Record<string, string>) => {
  const cluster = new InMemoryCluster()
  const metadata = { namespace: 'shop', name: 'data-orders-kafka-0', annotations }
  await cluster.as('somebody').create({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata })
  const { failures } = await carryOut(owner, plan, {
    cluster,
    topics: inMemoryTopics(),
    certify,
    onStored: () => {},
  })
  const made = await cluster.get({ kind: 'StatefulSet', namespace: 'shop', name: 'orders-kafka' })
  return { failures, made: made !== undefined }
}

test('a volume kept for this DataService is taken over', async () => {
  expect(await withClaim(retainedAnnotations(owner))).toEqual({ failures: [], made: true })
})

test.each([{}, { 'dataservice.dev/retained': 'shop/invoices' }])(
  'a volume of somebody else is never mounted: %j',
  async annotations => {
    const { failures, made } = await withClaim(annotations)
    expect(made).toBe(false)
    expect(failures).toEqual([
      {
        cause: 'notOwned',
        message: expect.stringContaining('PersistentVolumeClaim shop/data-orders-kafka-0'),
      },
    ])
  },
)

/** Copies that lag behind: what was decided on them does no harm that a later run could not put right. */

import { describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { certify } from '#operator/certificates/certify.ts'
import { ClusterError } from '#operator/cluster/errors.ts'
import type { ClusterPort } from '#operator/cluster/port.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { rehearse, untilSettled } from '#operator/testing/rehearsal.ts'
import { through } from '#operator/testing/through.ts'
import { carryOut } from './carry-out.ts'
import type { Plan, Step } from './plan.ts'

const planOf = (...steps: Step[]): Plan => ({
  held: false,
  gates: {
    recordAccepted: true,
    logAnswers: true,
    databaseAnswers: true,
    logPrepared: true,
    migrated: true,
    topicsExist: true,
    brokersCurrent: true,
    deployed: true,
  },
  kept: [],
  isWhole: true,
  contested: [],
  steps,
})

async function settled() {
  const rehearsal = await rehearse(dataService())
  await untilSettled(rehearsal)
  const { cluster, key, topics } = rehearsal
  const found = async <T>(kind: 'DataService' | 'Deployment', name: string): Promise<T> => {
    const object = await cluster.get({ kind, namespace: key.namespace, name })
    if (object === undefined) throw new Error(`${name} is not there`)
    return object as T
  }
  const owner = await found<DataService>('DataService', key.name)
  const deployment = () => found<ObservedChild>('Deployment', 'orders-gateway')
  const run = (seen: DataService, step: Step) =>
    carryOut(seen, planOf(step), { cluster, topics, certify, onStored: () => {} })
  return { owner, deployment, run, cluster, topics, namespace: key.namespace }
}

const removal = ({
  kind,
  metadata: { name, namespace, uid = '' },
}: ObservedChild): Extract<Step, { do: 'remove' }> => ({
  do: 'remove',
  kind,
  name,
  namespace,
  uid,
})

test('nothing is removed by an older state of the DataService, and the run is repeated', async () => {
  const { owner, deployment, run } = await settled()
  const older = { ...owner, metadata: { ...owner.metadata, generation: owner.metadata.generation - 1 } }
  const { failures, written } = await run(older, removal(await deployment()))
  expect({ written, causes: failures.map(({ cause }) => cause) }).toEqual({ written: 0, causes: ['retry'] })
  expect(failures[0]?.message).toContain('is not its newest state')
  await expect(deployment()).resolves.toBeDefined()
})

test('by its newest state it is', async () => {
  const { owner, deployment, run } = await settled()
  expect(await run(owner, removal(await deployment()))).toEqual({ failures: [], written: 1 })
  await expect(deployment()).rejects.toThrow('is not there')
})

test('nothing is removed for a DataService that was made anew', async () => {
  const { owner, deployment, run } = await settled()
  const before = { ...dataService(withSpec({})), metadata: { ...owner.metadata, uid: 'uid-of-another' } }
  expect((await run(before, removal(await deployment()))).written).toBe(0)
})

test('a number of pods that has moved since it was seen stays', async () => {
  const { owner, deployment, run, cluster, namespace } = await settled()
  const ref = { kind: 'Deployment', namespace, name: 'orders-gateway' } as const
  await cluster.as('autoscaler').scale(ref, 40, 3)
  const step: Step = { do: 'scale', namespace, name: ref.name, replicas: 3, from: 1 }
  await run(owner, step)
  expect((await deployment()).spec?.['replicas']).toBe(40)
  await run(owner, { ...step, from: 40 })
  expect((await deployment()).spec?.['replicas']).toBe(3)
})

test('a Deployment that was not seen keeps its number', async () => {
  const { owner, deployment, cluster, namespace, topics } = await settled()
  const ref = { kind: 'Deployment', namespace, name: 'orders-gateway' } as const
  await cluster.as('person').scale(ref, 1, 3)
  const { metadata, apiVersion, kind, spec } = await deployment()
  const { name, labels, ownerReferences } = metadata
  const object = {
    apiVersion,
    kind,
    metadata: { name, namespace, labels, ownerReferences: ownerReferences ?? [] },
    spec,
  }
  const steps: Step[] = [
    { do: 'apply', object },
    { do: 'scale', namespace, name, replicas: 2, from: 1 },
  ]
  await carryOut(owner, planOf(...steps), { cluster, topics, certify, onStored: () => {} })
  expect((await deployment()).spec?.['replicas']).toBe(1)
})

describe('where a step fails', () => {
  const refused = new ClusterError('Invalid', 'denied by a webhook')

  async function afterRefusal(
    world: Awaited<ReturnType<typeof settled>>,
    more: Partial<ClusterPort>,
    steps: Step[],
  ) {
    const { owner, cluster, topics } = world
    const ports = { cluster: through(cluster, more), topics, certify, onStored: () => {} }
    return carryOut(owner, planOf(...steps), ports)
  }
  const refusing = { apply: () => Promise.reject(refused) }
  const written = ({ apiVersion, kind, metadata: { name, namespace, uid = '' } }: ObservedChild): Step => ({
    do: 'apply',
    object: { apiVersion, kind, metadata: { name, namespace, labels: {} } },
    uid,
  })

  test('what may be about to be replaced stays', async () => {
    const world = await settled()
    const child = await world.deployment()
    const { failures } = await afterRefusal(world, refusing, [written(child), removal(child)])
    expect(failures).toHaveLength(1)
    await expect(world.deployment()).resolves.toBeDefined()
  })

  test('what nothing replaces goes all the same', async () => {
    const world = await settled()
    const child = await world.deployment()
    const anyway = { ...removal(child), regardless: true } as const
    const { failures } = await afterRefusal(world, refusing, [written(child), anyway])
    expect(failures).toHaveLength(1)
    await expect(world.deployment()).rejects.toThrow('is not there')
  })

  test('a removal that is refused keeps no other from going', async () => {
    const world = await settled()
    const child = await world.deployment()
    const stays: Step = { ...removal(child), name: 'orders-reader' }
    const remove: ClusterPort['remove'] = (ref, options) =>
      ref.name === 'orders-reader' ? Promise.reject(refused) : world.cluster.remove(ref, options)
    const { failures, written: count } = await afterRefusal(world, { remove }, [stays, removal(child)])
    expect({ failures: failures.length, count }).toEqual({ failures: 1, count: 1 })
    await expect(world.deployment()).rejects.toThrow('is not there')
  })
})

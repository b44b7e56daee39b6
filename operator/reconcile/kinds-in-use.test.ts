/** Kinds that other projects define: missing, installed, removed, and no longer asked for. */
import { expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { Condition } from '#crds/v1alpha1/status.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { type Rehearsal, rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'
import { factsOf, upAndRunning } from '#operator/testing/world.ts'
import { decide } from './decide.ts'
import { kindTrouble, rememberedKinds, usedKinds } from './kinds-in-use.ts'
import { previewOf } from './preview/preview.ts'
import { previewLines } from './preview/text.ts'

const delegated = () => dataService(withSpec({ postgres: { cloudNativePG: {} } }))

async function condition({ cluster, key }: Rehearsal, type: string): Promise<Condition | undefined> {
  const found = await cluster.get<DataService>({ kind: 'DataService', ...key })
  return found?.status?.conditions?.find(each => each.type === type)
}

const clusters = ({ cluster }: Rehearsal) => cluster.list<ObservedChild>('Cluster').catch(() => [])

test('a kind that is missing stalls with what to install, everything else is made, and installing it heals', async () => {
  const rehearsal = await rehearse(delegated())
  rehearsal.cluster.serve('Cluster', false)
  await untilSettled(rehearsal)
  const missing = {
    status: 'False',
    reason: 'KindMissing',
    message: expect.stringMatching(
      /^the API server knows no kind Cluster of CloudNativePG \(clusters\.postgresql\.cnpg\.io, v1\): install the /,
    ),
  }
  expect(await condition(rehearsal, 'DatabaseReady')).toMatchObject(missing)
  expect(await condition(rehearsal, 'Stalled')).toMatchObject({ ...missing, status: 'True' })
  expect(await condition(rehearsal, 'LogReady')).toMatchObject({ status: 'True' })
  rehearsal.cluster.serve('Cluster', true)
  await untilSettled(rehearsal)
  expect(await clusters(rehearsal)).toHaveLength(1)
  expect(await condition(rehearsal, 'Ready')).toMatchObject({ status: 'True' })
})

test('a kind that is removed while it is used takes nothing with it that is ours', async () => {
  const rehearsal = await rehearse(delegated())
  await untilSettled(rehearsal)
  const run = startedOn(rehearsal)
  rehearsal.cluster.serve('Cluster', false)
  const before = rehearsal.cluster.writes.length
  await run()
  const writes = rehearsal.cluster.writes.slice(before).map(({ verb, ref }) => `${verb} ${ref.kind}`)
  expect(writes.filter(write => write.startsWith('remove'))).toEqual([])
  expect(await condition(rehearsal, 'Stalled')).toMatchObject({ status: 'True', reason: 'KindMissing' })
  rehearsal.cluster.serve('Cluster', true)
  await untilSettled(rehearsal)
  // The objects went with the kind, and the data with them.
  expect(await condition(rehearsal, 'DatabaseReady')).toMatchObject({ status: 'False', reason: 'VolumeLost' })
  expect(await clusters(rehearsal)).toEqual([])
})

test('a Cluster that lost its labels is not taken for lost, and gets them back', async () => {
  const rehearsal = await rehearse(delegated())
  await untilSettled(rehearsal)
  const [cluster] = await clusters(rehearsal)
  if (cluster === undefined) throw new Error('there is no Cluster')
  const { apiVersion, kind, metadata } = cluster
  const labels = { 'app.kubernetes.io/instance': 'theirs' }
  const { name, namespace } = metadata
  await rehearsal.cluster.as('user').apply({ apiVersion, kind, metadata: { name, namespace, labels } })
  await untilSettled(rehearsal)
  const [after] = await clusters(rehearsal)
  expect(after?.metadata.uid).toBe(metadata.uid)
  expect(after?.metadata.labels['app.kubernetes.io/instance']).toBe('orders')
})

test('nothing is decided before the API server has answered for a kind that is used', async () => {
  const rehearsal = await rehearse(delegated())
  const before = rehearsal.cluster.writes.length
  const unread = { cluster: rehearsal.cluster, topics: rehearsal.topics, key: rehearsal.key }
  const outcome = await startedOn(unread, rehearsal.cluster, { serving: 'unread' })()
  expect(outcome).toMatchObject({ kind: 'waiting', reason: 'KindsNotRead' })
  expect(rehearsal.cluster.writes.length).toBe(before)
})

test('a kind that may not be listed names the role', () => {
  const facts = factsOf({ owner: delegated(), serving: { state: 'refused', message: 'forbidden' } })
  expect(kindTrouble('Cluster', facts)).toMatchObject({ reason: 'KindRefused' })
  expect(kindTrouble('Cluster', facts)?.message).toMatch(
    /: forbidden\. Where a right is missing, apply the role/,
  )
})

test('a kind is remembered while something of it may be left, and no longer', () => {
  const owner = delegated()
  const known = { ...owner, status: { kindsOfOthers: ['Cluster'] } }
  const back = { ...dataService(), status: known.status }
  const cluster = upAndRunning(owner).children.filter(({ kind }) => kind === 'Cluster')
  expect(usedKinds(dataService(), factsOf({ owner: dataService() }).target.effective)).toEqual([])
  expect(rememberedKinds(factsOf({ owner }))).toEqual(['Cluster'])
  expect(rememberedKinds(factsOf({ owner: back, children: cluster }))).toEqual(['Cluster'])
  expect(rememberedKinds(factsOf({ owner: back }))).toEqual([])
})

test('what is left of a kind that is not asked for any more goes, unless the kind is not served', () => {
  const left = upAndRunning(delegated()).children.filter(({ kind }) => kind === 'Cluster')
  const smallest = upAndRunning(dataService())
  const running = { ...smallest, children: [...smallest.children, ...left] }
  const owner = { ...dataService(), status: { kindsOfOthers: ['Cluster'] } }
  const removed = (serving: 'served' | 'unserved') =>
    decide(factsOf({ ...running, owner, serving: { state: serving } })).steps.filter(
      step => step.do === 'remove' && step.kind === 'Cluster',
    )
  expect(removed('unserved')).toEqual([])
  expect(removed('served')).toHaveLength(1)
})

test('a plan says what is lacking', () => {
  const lines = previewLines(previewOf(factsOf({ owner: delegated(), serving: { state: 'unserved' } })))
  expect(lines[0]).toMatch(/^lacking: the API server knows no kind Cluster/)
  expect(lines).toContain('creates: Cluster orders-postgres')
})

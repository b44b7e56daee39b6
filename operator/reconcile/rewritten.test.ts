/** Mutating admission that rewrites what is sent, as a policy does that takes images from a mirror. */
import { expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ClusterPort, KubernetesObject } from '#operator/cluster/port.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { type Rehearsal, rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'
import { images } from '#operator/testing/target.ts'
import { through } from '#operator/testing/through.ts'
import { restraint } from './restraint.ts'

const rewritten = <T extends KubernetesObject>(object: T): T =>
  object.kind === 'Deployment' && object.metadata.name === 'orders-reader'
    ? JSON.parse(JSON.stringify(object).replaceAll('"image":"', '"image":"mirror.test/'))
    : object

const behindAdmission = (cluster: ClusterPort): ClusterPort =>
  through(cluster, {
    apply: object => cluster.apply(rewritten(object)),
    applyNew: object => cluster.applyNew(rewritten(object)),
  })

async function settled() {
  const rehearsal = await rehearse(dataService())
  const admission = behindAdmission(rehearsal.cluster)
  const clock = { ms: 0 }
  const held = restraint(() => clock.ms)
  const start = { differing: { restraint: held } }
  await untilSettled(rehearsal, admission, start)
  return { rehearsal, admission, clock, start, run: startedOn(rehearsal, admission, start) }
}

const statusOf = async ({ cluster, key }: Rehearsal) =>
  (await cluster.get<DataService>({ kind: 'DataService', ...key }))?.status
const readyIn = async (rehearsal: Rehearsal) =>
  (await statusOf(rehearsal))?.conditions?.find(({ type }) => type === 'Ready')

test('a service that is ready says so, and what is rewritten', async () => {
  const { rehearsal } = await settled()
  expect(await readyIn(rehearsal)).toMatchObject({
    status: 'True',
    reason: 'Contested',
    message: expect.stringContaining(
      'other values in Deployment orders-reader (spec.template.spec.containers[reader].image)',
    ),
  })
})

test('it is sent again once in ten minutes, and the status stays', async () => {
  const { rehearsal, clock, run } = await settled()
  const before = await readyIn(rehearsal)
  const writes = async (untilMs: number): Promise<string[]> => {
    const count = rehearsal.cluster.writes.length
    for (; clock.ms < untilMs; clock.ms += 45_000) await run()
    return rehearsal.cluster.writes.slice(count).map(({ verb, ref }) => `${verb} ${ref.kind} ${ref.name}`)
  }
  expect(await writes(600_000)).toEqual([])
  expect(await writes(1_100_000)).toEqual(['apply Deployment orders-reader'])
  expect(await readyIn(rehearsal)).toEqual(before)
})

test('when nobody rewrites it any more it is put back, and nothing is said', async () => {
  const { rehearsal, clock, start } = await settled()
  clock.ms = 600_000
  await untilSettled(rehearsal, rehearsal.cluster, start)
  expect(await readyIn(rehearsal)).toMatchObject({ status: 'True', reason: 'Ready' })
})

test('an upgrade comes to its end all the same', async () => {
  const { rehearsal, admission, start } = await settled()
  const revision = 'newer'
  const newer = { ...images, dataservice: 'example.test/dataservice:2' }
  await untilSettled(rehearsal, admission, { differing: { ...start.differing, images: newer, revision } })
  const { cluster, key } = rehearsal
  const reader = await cluster.get({ kind: 'Deployment', namespace: key.namespace, name: 'orders-reader' })
  expect(JSON.stringify(reader)).toContain('"mirror.test/example.test/dataservice:2"')
  expect(await statusOf(rehearsal)).toMatchObject({ revision })
  expect((await statusOf(rehearsal))?.upgrade).toBeUndefined()
})

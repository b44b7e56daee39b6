/** Each kind of child: what was changed by hand is put back, and what belongs to somebody else is reported and left alone. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { type ChildKind, children, desiredChildren } from '#operator/desired/children.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { finalState, type Rehearsal, rehearse, untilSettled } from '#operator/testing/rehearsal.ts'
import { targetOf } from '#operator/testing/target.ts'

const kinds = [...new Set(children.map(({ kind }) => kind))]
const applied = new Set(children.filter(({ write }) => write === 'apply').map(({ kind }) => kind))

describe('changed by hand', () => {
  let rehearsal: Rehearsal
  let before: object
  beforeAll(async () => {
    rehearsal = await rehearse(dataService())
    await untilSettled(rehearsal)
    before = await finalState(rehearsal)
  })
  const ours = async (kind: ChildKind): Promise<KubernetesObject[]> => {
    const found = await rehearsal.cluster.list(kind, { namespace: rehearsal.key.namespace })
    expect(found).not.toEqual([])
    return found
  }

  test.each(kinds.filter(kind => applied.has(kind)))('%s: a field of ours is put back', async kind => {
    const labels = { 'app.kubernetes.io/part-of': 'theirs' }
    for (const { apiVersion, metadata } of await ours(kind)) {
      const { name, namespace = '' } = metadata
      await rehearsal.cluster
        .as('user')
        .apply({ apiVersion, kind, metadata: { name, namespace, labels } }, { force: true })
    }
    expect(await finalState(rehearsal)).not.toEqual(before)
    await untilSettled(rehearsal)
    expect(await finalState(rehearsal)).toEqual(before)
  })

  test.each(kinds.filter(kind => kind !== 'Secret'))('%s: deleted, it is made again', async kind => {
    for (const { metadata } of await ours(kind)) {
      const { name, namespace = '', uid = '' } = metadata
      await rehearsal.cluster.as('user').remove({ kind, namespace, name }, { uid, propagation: 'Background' })
    }
    expect(await finalState(rehearsal)).not.toEqual(before)
    await untilSettled(rehearsal)
    expect(await finalState(rehearsal)).toEqual(before)
  })
})

describe('a name that somebody else has', () => {
  const owner = dataService()

  test.each(kinds)('%s: Stalled names it, and nothing of it is taken', async kind => {
    const rehearsal = await rehearse(owner)
    const { cluster, key } = rehearsal
    const stored = await cluster.get<DataService>({ kind: 'DataService', ...key })
    if (stored === undefined) throw new Error('the DataService is gone')
    const wanted = desiredChildren(targetOf(stored)).find(child => child.kind === kind)?.object
    if (wanted === undefined) throw new Error(`no ${kind} is wanted`)
    const { apiVersion, metadata } = wanted
    const named = { name: metadata.name, namespace: metadata.namespace }
    await cluster.as('user').create({ apiVersion, kind, metadata: { ...named, labels: { theirs: '1' } } })
    const before = await cluster.get<ObservedChild>({ kind, ...named })
    await untilSettled(rehearsal).catch(error => {
      if (applied.has(kind)) throw error // what is made by POST is tried again and again
    })
    const { status } = (await cluster.get<DataService>({ kind: 'DataService', ...key })) ?? {}
    const stalled = status?.conditions?.find(({ type }) => type === 'Stalled')
    expect(stalled).toMatchObject({ status: 'True', reason: 'NotOwned' })
    expect(stalled?.message).toMatch(
      new RegExp(`^${kind} shop/${named.name} exists and belongs to somebody else: delete or rename it`),
    )
    const after = await cluster.get<ObservedChild>({ kind, ...named })
    expect(untouched(after)).toEqual(untouched(before))
  })
})

/** All but what the controllers of Kubernetes write. */
const untouched = (object: ObservedChild | undefined) => {
  const { uid, labels, annotations, ownerReferences, generation } = object?.metadata ?? {}
  return { uid, labels, annotations, ownerReferences, generation, spec: object?.spec }
}

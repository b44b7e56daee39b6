/** Each kind of child: what was changed by hand is put back, and what belongs to somebody else is reported and left alone. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { type ChildKind, children, desiredChildren } from '#operator/desired/children.ts'
import { isKindOfOthers } from '#operator/desired/kinds-of-others.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { finalState, type Rehearsal, rehearse, untilSettled } from '#operator/testing/rehearsal.ts'
import { serviceWith } from '#operator/testing/showcase.ts'
import { targetOf } from '#operator/testing/target.ts'

const kinds = [...new Set(children.map(({ kind }) => kind))]
const applied = new Set(children.filter(({ write }) => write === 'apply').map(({ kind }) => kind))

/** With one such child at least, until nothing moves. */
async function settledWith(kind: ChildKind): Promise<{ rehearsal: Rehearsal; before: object }> {
  const rehearsal = await rehearse(serviceWith(kind))
  await untilSettled(rehearsal)
  return { rehearsal, before: await finalState(rehearsal) }
}

describe('changed by hand', () => {
  let smallest: Awaited<ReturnType<typeof settledWith>>
  beforeAll(async () => {
    smallest = await settledWith('Deployment')
  })
  const given = (kind: ChildKind) => (isKindOfOthers(kind) ? settledWith(kind) : smallest)
  const ours = async (rehearsal: Rehearsal, kind: ChildKind): Promise<KubernetesObject[]> => {
    const found = await rehearsal.cluster.list(kind, { namespace: rehearsal.key.namespace })
    expect(found).not.toEqual([])
    return found
  }

  test.each(kinds.filter(kind => applied.has(kind)))('%s: a field of ours is put back', async kind => {
    const { rehearsal, before } = await given(kind)
    const labels = { 'app.kubernetes.io/part-of': 'theirs' }
    for (const { apiVersion, metadata } of await ours(rehearsal, kind)) {
      const { name, namespace = '' } = metadata
      await rehearsal.cluster.as('user').apply({ apiVersion, kind, metadata: { name, namespace, labels } })
    }
    expect(await finalState(rehearsal)).not.toEqual(before)
    await untilSettled(rehearsal)
    expect(await finalState(rehearsal)).toEqual(before)
  })

  // Neither is made again without a word: they open, or hold, what is stored.
  const remade = kinds.filter(kind => kind !== 'Secret' && kind !== 'Cluster')
  test.each(remade)('%s: deleted, it is made again', async kind => {
    const { rehearsal, before } = await given(kind)
    for (const { metadata } of await ours(rehearsal, kind)) {
      const { name, namespace = '', uid = '' } = metadata
      await rehearsal.cluster.as('user').remove({ kind, namespace, name }, { uid, propagation: 'Background' })
    }
    expect(await finalState(rehearsal)).not.toEqual(before)
    await untilSettled(rehearsal)
    expect(await finalState(rehearsal)).toEqual(before)
  })
})

describe('a name that somebody else has', () => {
  test.each(kinds)('%s: Stalled names it, and nothing of it is taken', async kind => {
    const rehearsal = await rehearse(serviceWith(kind))
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

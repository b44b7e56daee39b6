import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { InMemoryCluster } from '#operator/cluster/in-memory.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { certified } from '#operator/desired/certificates.ts'
import { type CertificateWish, type CertifyStep, lives } from '#operator/reconcile/certificates/renewal.ts'
import { seenCertificates, shownBy } from '#operator/reconcile/certificates/seen.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { certify, ForeignSecret, UnusableAuthority } from './certify.ts'
import { makeAuthority } from './issue.ts'

const owner = dataService()
const at = new Date()

async function world() {
  const cluster = new InMemoryCluster()
  const read = (name: string) => cluster.get({ kind: 'Secret', namespace: 'shop', name })
  const stored = async () => {
    const secret = await read('orders-certificates')
    const shown = secret && shownBy(secret)
    const seen = shown && seenCertificates(shown)
    if (secret === undefined || seen === undefined) throw new Error('no certificates')
    return { secret, seen }
  }
  /** One step, from what is stored. */
  const step = async (wish: CertificateWish, more: Partial<CertifyStep> = {}) => {
    const before = await stored().catch(() => undefined)
    const uid = before?.secret.metadata.uid
    const trusted = before?.seen.trusted ?? []
    await certify(
      owner,
      { do: 'certify', wish, trusted, issue: 1, at, lives, ...(uid && { uid }), ...more },
      cluster,
    )
    return stored()
  }
  return { cluster, read, step }
}

const subject = { namespace: 'shop', service: 'orders', name: 'authority 1' }
const other = Buffer.from((await makeAuthority(subject, { from: at, until: at })).key).toString('base64')

const first: CertificateWish = { trusts: [1], issuer: 1, makes: 1, drops: [] }

const textIn = (secret: KubernetesObject, key: string): string =>
  Buffer.from(String(Reflect.get(Reflect.get(secret, 'data') ?? {}, key)), 'base64').toString()

describe('certificates', () => {
  test('each part has one of its own, that its authority has signed, for the names by which it is asked', async () => {
    const { step, read } = await world()
    const { secret, seen } = await step(first)
    const authority = new X509Certificate(seen.trusted[0]?.certificate ?? '')
    const all = certified.map(part => new X509Certificate(textIn(secret, `${part}.crt`)))
    for (const each of all) expect(each.checkIssued(authority)).toBe(true)
    expect(new Set(all.map(({ fingerprint256 }) => fingerprint256)).size).toBe(certified.length)
    const kafka = all[certified.indexOf('kafka')]
    expect(kafka?.checkHost('orders-kafka-2.orders-kafka.shop.svc')).toBeDefined()
    expect(kafka?.checkHost('orders-kafka-2.orders-kafka.other.svc')).toBeUndefined()
    expect(all[certified.indexOf('gateway')]?.subject).toContain('CN=gateway')
    expect(seen.until.getTime() - at.getTime()).toBeLessThanOrEqual(lives.certificate)
    expect(Reflect.get((await read('orders-authority-1')) ?? {}, 'immutable')).toBe(true)
    expect(Reflect.get(secret, 'immutable')).toBeUndefined()
  })

  test('an authority takes over in three steps, and the old one goes with its key', async () => {
    const { step, read } = await world()
    await step(first)
    const both = await step({ trusts: [1, 2], issuer: 1, makes: 2, drops: [] })
    expect(both.seen.trusted.map(({ generation }) => generation)).toEqual([1, 2])
    expect(both.seen.issuer).toBe(1)
    const signed = await step({ trusts: [1, 2], issuer: 2, drops: [] })
    expect(signed.seen.issuer).toBe(2)
    const over = await step({ trusts: [2], issuer: 2, drops: [1] })
    expect(over.seen.trusted.map(({ generation }) => generation)).toEqual([2])
    expect(over.secret.metadata.uid).toBe(both.secret.metadata.uid)
    expect(await read('orders-authority-1')).toBeUndefined()
    expect(await read('orders-authority-2')).toBeDefined()
  })

  test('an operator that ended between two writes goes on with the authority that it made', async () => {
    const { cluster, step, read } = await world()
    await step(first)
    const made = await read('orders-authority-1')
    const certificates = await read('orders-certificates')
    const uid = certificates?.metadata.uid ?? ''
    const ref = { kind: 'Secret', namespace: 'shop', name: 'orders-certificates' } as const
    await cluster.remove(ref, { uid, propagation: 'Background' })
    const { seen } = await step(first)
    expect(textIn(made ?? certificates ?? never(), 'tls.crt')).toBe(seen.trusted[0]?.certificate)
  })

  test('where the key of an authority is gone, the next one signs at once, beside what is trusted', async () => {
    const { cluster, step, read } = await world()
    await step(first)
    const uid = (await read('orders-authority-1'))?.metadata.uid ?? ''
    const ref = { kind: 'Secret', namespace: 'shop', name: 'orders-authority-1' } as const
    await cluster.remove(ref, { uid, propagation: 'Background' })
    const { seen } = await step({ trusts: [1], issuer: 1, drops: [] })
    expect(seen.issuer).toBe(2)
    expect(seen.trusted.map(({ generation }) => generation)).toEqual([1, 2])
  })

  test('so it is while an old one goes, whose key goes, too', async () => {
    const { cluster, step, read } = await world()
    await step(first)
    await step({ trusts: [1, 2], issuer: 1, makes: 2, drops: [] })
    await step({ trusts: [1, 2], issuer: 2, drops: [] })
    const uid = (await read('orders-authority-2'))?.metadata.uid ?? ''
    const ref = { kind: 'Secret', namespace: 'shop', name: 'orders-authority-2' } as const
    await cluster.remove(ref, { uid, propagation: 'Background' })
    const { seen } = await step({ trusts: [2], issuer: 2, drops: [1] })
    expect(seen.issuer).toBe(3)
    expect(await read('orders-authority-1')).toBeUndefined()
  })

  test.each([
    ['of other entries', () => ({ data: {} })],
    [
      'whose key is of another',
      (there: object) => ({ data: { ...Reflect.get(there, 'data'), 'tls.key': other } }),
    ],
  ])('an authority %s is named as one that cannot be used', async (_, broken) => {
    const { cluster, step, read } = await world()
    await step(first)
    const there = (await read('orders-authority-1')) ?? never()
    const { uid = '', resourceVersion: _version, ...metadata } = there.metadata
    const ref = { kind: 'Secret', namespace: 'shop', name: 'orders-authority-1' } as const
    await cluster.remove(ref, { uid, propagation: 'Background' })
    await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata, ...broken(there) })
    const failing = step({ trusts: [1], issuer: 1, drops: [] })
    await expect(failing).rejects.toThrow(/^Secret orders-authority-1 holds no authority/)
    await expect(failing).rejects.toBeInstanceOf(UnusableAuthority)
  })

  test('a Secret of somebody else is neither used nor changed', async () => {
    const { cluster, step } = await world()
    const metadata = { namespace: 'shop', name: 'orders-authority-1' }
    await cluster.as('somebody').create({ apiVersion: 'v1', kind: 'Secret', metadata })
    await expect(step(first)).rejects.toBeInstanceOf(ForeignSecret)
  })
})

function never(): never {
  throw new Error('it is there')
}

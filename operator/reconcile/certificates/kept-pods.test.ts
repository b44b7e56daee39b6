/** An authority takes over from another while the pods are of an earlier operator and stay as they are. */
import { expect, test } from 'vitest'
import { certificatesName } from '#operator/desired/certificates.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import { dataService, withAnnotation, withSpec } from '#operator/testing/data-service.ts'
import { rehearse, untilSettled } from '#operator/testing/rehearsal.ts'
import { images } from '#operator/testing/target.ts'
import { turnstile } from '../upgrade/turnstile.ts'
import { seenCertificates, shownBy } from './seen.ts'

const began = new Date('2026-01-01T00:00:00Z')
const newer = { images: { ...images, dataservice: 'example.com/dataservice:newer' }, revision: 'newer' }

/** Which authority signs a day after another one was asked for. `places`: how many may restart their pods meanwhile. */
async function issuer(places: number): Promise<number | undefined> {
  const owner = dataService(withSpec({ security: { tls: 'Internal' } }))
  const rehearsal = await rehearse(owner)
  const { cluster, key } = rehearsal
  const settled = (day: number) => {
    const now = () => new Date(began.getTime() + day * 86_400_000)
    const turns = turnstile({ places, inside: () => [], exists: () => true, wake: () => {} })
    return untilSettled(rehearsal, cluster, { differing: { now, ...(day > 0 && { ...newer, turns }) } })
  }
  await settled(0)
  const { apiVersion, kind, metadata } = withAnnotation(annotationKeys.rotateAuthority, 'now')(owner)
  const { name, namespace, annotations = {} } = metadata
  await cluster
    .as('user')
    .apply({ apiVersion, kind, metadata: { name, namespace, annotations }, spec: owner.spec })
  for (const day of [0, 1, 2]) await settled(day)
  const secret = await cluster.get({
    kind: 'Secret',
    namespace: key.namespace,
    name: certificatesName(key.name),
  })
  const shown = secret && shownBy(secret)
  return shown && seenCertificates(shown)?.issuer
}

test('the next authority signs only when all pods trust it, which those do not that are kept', {
  timeout: 60_000,
}, async () => {
  expect(await issuer(1)).toBe(2)
  expect(await issuer(0)).toBe(1)
})

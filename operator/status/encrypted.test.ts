import { expect, test } from 'vitest'
import type { SeenCertificates } from '#operator/reconcile/certificates/seen.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf } from '#operator/testing/world.ts'
import { encrypted } from './encrypted.ts'

const now = new Date('2026-06-01T00:00:00Z')
const [from, until] = [new Date('2026-05-01T00:00:00Z'), new Date('2026-08-01T00:00:00Z')]

function told(
  seen: Partial<SeenCertificates> | undefined,
  generations: readonly number[] = [1],
  tls = 'Internal',
) {
  const facts = factsOf({ owner: dataService(withSpec({ security: { tls } })) })
  const trusted = generations.map(generation => ({ generation, certificate: '', from, until }))
  const certificates = seen === undefined ? {} : { seen: { trusted, issuer: 1, from, until, ...seen } }
  const { status, reason, message } = encrypted({ ...facts, certificates }, now)
  return `${status}/${reason}: ${message}`
}

test('the condition says how the parts talk to each other, and until when', () => {
  expect(told({})).toBe('True/CertificatesValid: the certificates are valid until 2026-08-01T00:00:00.000Z')
  expect(told({}, [1, 2])).toBe(
    'True/AuthorityChanging: authority 2 takes over from 1; both are trusted meanwhile',
  )
  expect(told(undefined)).toMatch(/^False\/CertificatesPending/)
  expect(told({ until: new Date('2026-05-31T00:00:00Z') })).toMatch(
    /^False\/CertificatesExpired: .*log of the/,
  )
  expect(told(undefined, [], 'Off')).toMatch(/^False\/HopsPlain: .*spec\.security\.tls is Off/)
})

import { expect, test } from 'vitest'
import { issuingName } from '#operator/desired/cert-manager.ts'
import { certifiedIn, issuedName } from '#operator/desired/certificates.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf } from '#operator/testing/world.ts'
import { encrypted } from './encrypted.ts'

const now = new Date('2026-06-01T00:00:00Z')
const until = '2026-08-01T00:00:00Z'
const owner = dataService(withSpec({ security: { tls: 'CertManager' } }))

const condition = (type: string, status: string, reason: string, message: string) => ({
  type,
  status,
  reason,
  message,
})
const ready = {
  notAfter: until,
  revision: 1,
  conditions: [condition('Ready', 'True', 'Ready', 'Certificate is up to date and has not expired')],
}

/** All Certificates that are due, ready but for those named here. */
function told(others: Readonly<Record<string, object | undefined>> = {}): string {
  const facts = factsOf({ owner })
  const names = [
    issuingName('orders'),
    ...certifiedIn(facts.target.effective).map(part => issuedName('orders', part)),
  ]
  const children = names.flatMap((name): ObservedChild[] => {
    const status = name in others ? others[name] : ready
    if (status === undefined) return []
    const metadata = { name, namespace: 'shop', labels: {} }
    return [{ apiVersion: 'cert-manager.io/v1', kind: 'Certificate', metadata, status: { ...status } }]
  })
  const { status, reason, message } = encrypted({ ...facts, children }, now)
  return `${status}/${reason}: ${message}`
}

test('the condition tells what cert-manager says, and until when the first certificate is valid', () => {
  expect(told({ 'orders-redis-certificate': { ...ready, notAfter: '2026-07-01T00:00:00Z' } })).toBe(
    'True/CertificatesValid: the certificates are valid until 2026-07-01T00:00:00.000Z',
  )
})

test('one that is not issued yet is named, with the words of cert-manager', () => {
  expect(told({ 'orders-kafka-certificate': undefined })).toBe(
    'False/CertificatesPending: Certificate orders-kafka-certificate is not ready. ' +
      'cert-manager has said nothing about it yet: does it run?',
  )
  const pending = [
    condition('Ready', 'False', 'DoesNotExist', 'Issuing certificate as Secret does not exist'),
  ]
  expect(told({ 'orders-authority': { conditions: pending } })).toMatch(
    /^False\/CertificatesPending: Certificate orders-authority .* says DoesNotExist: Issuing certificate as .*\(kubectl -n shop describe certificate orders-authority\)$/,
  )
  const failed = [...pending, condition('Issuing', 'False', 'Failed', 'The certificate request was denied')]
  expect(told({ 'orders-writer-certificate': { conditions: failed } })).toMatch(
    /^False\/CertificatesRefused: .*Failed: The certificate request was denied/,
  )
})

test('a renewal that fails is told while the certificate is still valid, and when it is not any more', () => {
  const failed = condition('Issuing', 'False', 'Failed', 'the issuer is away')
  const conditions = [...ready.conditions, failed]
  expect(told({ 'orders-reader-certificate': { ...ready, conditions } })).toMatch(
    /^True\/RenewalFails: Certificate orders-reader-certificate is valid until 2026-08-01.*Failed: the issuer is away/,
  )
  const over = { notAfter: '2026-05-31T00:00:00Z', conditions: [failed] }
  expect(told({ 'orders-reader-certificate': over })).toMatch(
    /^False\/CertificatesExpired: Certificate orders-reader-certificate ended at 2026-05-31/,
  )
})

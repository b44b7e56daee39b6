import { expect, test } from 'vitest'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { issuedCertificates } from './cert-manager.ts'
import { certificateVolumes, certified, certifiedIn, placeOf } from './certificates.ts'
import { hopsInUse } from './hops.ts'
import { engineParts } from './names.ts'
import { statefulSet } from './stateful-set.ts'
import type { ObservedChild } from './target.ts'

const managed = (tls: string) => targetOf(dataService(withSpec({ security: { tls } })))
const target = managed('CertManager')

test('whoever signs, every pod finds the same files at the same place, and its own certificate alone', () => {
  const files = (tls: string) =>
    certified.map(part =>
      certificateVolumes(managed(tls), part).map(({ mount, volume }) => [
        mount,
        volume.secret?.items?.map(({ path }) => path),
      ]),
    )
  expect(files('CertManager')).toEqual(files('Internal'))
  expect(files('Off').flat()).toEqual([])
  const secrets = certified.map(part => placeOf(target, part)?.secret)
  expect(new Set(secrets).size).toBe(certified.length)
})

test('an engine that others run gets no certificate, and nobody is certified to ask it', () => {
  const external = { bootstrapServers: ['kafka.test:9093'] }
  const found = targetOf(dataService(withSpec({ security: { tls: 'CertManager' }, kafka: { external } })))
  expect(certified.filter(part => !certifiedIn(found.effective).includes(part))).toEqual([
    'kafka',
    'operator',
  ])
})

const seen = (name: string, revision: number): ObservedChild => ({
  apiVersion: 'cert-manager.io/v1',
  kind: 'Certificate',
  metadata: { name, namespace: 'shop', labels: {}, uid: `uid-of-${name}` },
  status: { revision },
})

test('three brokers are restarted when theirs is issued anew, and the operator then reads its own again', () => {
  const owner = dataService(
    withSpec({ security: { tls: 'CertManager' }, kafka: { managed: { brokers: 3 } } }),
  )
  const at = (kafka: number, own: number) => {
    const children = [seen('orders-kafka-certificate', kafka), seen('orders-operator-certificate', own)]
    const found = targetOf(owner, children)
    return { ...found, certificates: issuedCertificates(found) }
  }
  const template = (found: ReturnType<typeof at>) => JSON.stringify(statefulSet(found, 'kafka'))
  expect(template(at(2, 1))).not.toBe(template(at(1, 1)))
  expect(template(at(1, 2))).toBe(template(at(1, 1)))
  expect(at(1, 1).certificates.version).toBe('uid-of-orders-operator-certificate/1')
  expect(at(1, 2).certificates.version).not.toBe(at(1, 1).certificates.version)
  const before = targetOf(owner)
  expect(template({ ...before, certificates: issuedCertificates(before) })).toBe(template(at(1, 1)))
})

test.each(['Internal', 'CertManager', 'Mesh', 'Off'] as const)(
  'engines show by themselves that they were made for %s',
  tls => {
    const engines = engineParts.flatMap(part => statefulSet(managed(tls), part) ?? [])
    const observed = (kind: string, name: string) =>
      engines.find(each => each.kind === kind && each.metadata.name === name) as ObservedChild | undefined
    expect(hopsInUse({ owner: dataService(), observed })).toBe(tls)
  },
)

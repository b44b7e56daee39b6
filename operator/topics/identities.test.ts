import { expect, test } from 'vitest'
import { placeOf } from '#operator/desired/certificates.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { identities } from './identities.ts'
import type { LogAddress } from './port.ts'

const place = (tls: string) =>
  placeOf(targetOf(dataService(withSpec({ security: { tls } }))), 'operator') ?? expect.fail('it is plain')

const log = (version: string, where = place('Internal')): LogAddress => ({
  servers: ['orders-kafka-0.orders-kafka.shop.svc:9092'],
  certificates: { namespace: 'shop', place: where, version },
})

const entries: Readonly<Record<string, readonly string[]>> = {
  'orders-certificates': ['ca.crt', 'operator.crt', 'operator.key'],
  'orders-operator-certificate': ['ca.crt', 'tls.crt', 'tls.key'],
}

function counted() {
  let asked = 0
  const text = (value: string) => Buffer.from(value).toString('base64')
  const of = identities({
    get: async ({ name, namespace = '' }) => {
      asked += 1
      const names = entries[name]
      if (names === undefined) return undefined
      const data = Object.fromEntries(names.map(entry => [entry, text(`${entry} of ${name}`)]))
      return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data } as never
    },
  })
  return { of, asked: () => asked }
}

test('a Secret is read once for each of its versions, and never where hops are plain', async () => {
  const { of, asked } = counted()
  expect(await of({ servers: ['a:1'] })).toBeUndefined()
  expect(asked()).toBe(0)
  const identity = await of(log('uid/1'))
  expect(String(identity?.key)).toBe('operator.key of orders-certificates')
  expect(await of(log('uid/1'))).toBe(identity)
  expect(asked()).toBe(1)
  expect(await of(log('uid/2'))).not.toBe(identity)
  expect(asked()).toBe(2)
})

test('cert-manager keeps it in a Secret of its own', async () => {
  const identity = await counted().of(log('uid/1', place('CertManager')))
  expect(String(identity?.cert)).toBe('tls.crt of orders-operator-certificate')
})

test('a Secret that is missing is said by its name', async () => {
  await expect(counted().of(log('', { ...place('Internal'), secret: 'gone' }))).rejects.toThrow('shop/gone')
})

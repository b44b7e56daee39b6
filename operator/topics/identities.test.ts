import { expect, test } from 'vitest'
import { identities } from './identities.ts'
import type { LogAddress } from './port.ts'

const log = (version: string, secret = 'orders-certificates'): LogAddress => ({
  servers: ['orders-kafka-0.orders-kafka.shop.svc:9092'],
  certificates: { namespace: 'shop', secret, version },
})

function counted() {
  let asked = 0
  const text = (value: string) => Buffer.from(value).toString('base64')
  const of = identities({
    get: async ({ name, namespace = '' }) => {
      asked += 1
      if (name === 'gone') return undefined
      const data = { 'ca.crt': text('ca'), 'operator.crt': text('cert'), 'operator.key': text('key') }
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
  expect(String(identity?.key)).toBe('key')
  expect(await of(log('uid/1'))).toBe(identity)
  expect(asked()).toBe(1)
  expect(await of(log('uid/2'))).not.toBe(identity)
  expect(asked()).toBe(2)
})

test('a Secret that is missing is said by its name', async () => {
  await expect(counted().of(log('', 'gone'))).rejects.toThrow('shop/gone')
})

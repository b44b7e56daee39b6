import { describe, expect, test } from 'vitest'
import { type Change, dataService, smallestSpec, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { accessChanges, bindingsOf, consumersOf, hasConsumers, type Right, rightsOf } from './consumers.ts'
import { kafka } from './engines/kafka.ts'

const consumers = [{ name: 'billing' }, { name: 'audit' }]
const bound = { consumers: [{ name: 'billing', secret: 'orders-binding-billing' }] }
const user = 'shop.orders.billing.0123abcd'
const target = targetOf(dataService(withSpec({ consumers })))
const rights = rightsOf(target, 'billing')
const wanted = [{ user, secret: 'orders-binding-billing', rights }]
const observed = (hasPassword: boolean, found: readonly Right[]) =>
  new Map([[user, { hasPassword, rights: found }]])

describe('what a consumer may', () => {
  test('it reads the topics of records, in groups of its own, and nothing else', () => {
    expect(
      rights.map(({ operation, resource, pattern, name }) => [operation, resource, pattern, name]),
    ).toEqual([
      ['READ', 'TOPIC', 'LITERAL', 'shop.orders.events'],
      ['READ', 'TOPIC', 'LITERAL', 'shop.orders.dead-letters'],
      ['READ', 'GROUP', 'PREFIXED', 'shop.orders.billing.'],
    ])
  })

  test('and the topic of changes, where records change', () => {
    const record = { ...smallestSpec.record, key: undefined, mode: 'Upsert' }
    const changing = targetOf(dataService(withSpec({ consumers, record })))
    expect(rightsOf(changing, 'billing').map(({ name }) => name)).toContain('shop.orders.changes')
  })

  test('KEDA sees how far log and writers are, and no record; nobody else may ask for its name', () => {
    const scaled = withSpec({ writer: { autoscaling: { mode: 'Lag', by: 'KEDA' } } })
    expect(consumersOf(targetOf(dataService(scaled)))).toEqual(['writer-scaler'])
    expect(
      rightsOf(target, 'writer-scaler').map(({ operation, resource, pattern, name }) => [
        operation,
        resource,
        pattern,
        name,
      ]),
    ).toEqual([
      ['DESCRIBE', 'TOPIC', 'LITERAL', 'shop.orders.events'],
      ['DESCRIBE', 'GROUP', 'LITERAL', 'shop.orders.writer'],
    ])
    const external = { bootstrapServers: ['kafka.test:9092'] }
    expect(consumersOf(targetOf(dataService(scaled, withSpec({ kafka: { external } }))))).toEqual([])
  })

  test('no prefix of one consumer is that of another, of the writer, or of another service', () => {
    const prefixes = ['writer', 'a', 'a-b', 'b'].flatMap(name => rightsOf(target, name).slice(-1))
    const names = prefixes.map(({ name }) => name)
    for (const name of [...names, 'shop.orders.writer', 'shop.orders-a.writer'])
      expect(names.filter(each => name !== each && name.startsWith(each))).toEqual([])
  })
})

describe('what leads to it', () => {
  test('a new user can log in before it may anything; then nothing is left to do', () => {
    const steps = accessChanges(wanted, new Map())
    expect(steps.map(({ change }) => change)).toEqual(['admit', 'allow'])
    expect(JSON.stringify(steps)).not.toContain('password')
    expect(accessChanges(wanted, observed(true, rights.toReversed()))).toEqual([])
  })

  test('a right that is missing comes back, one that was added goes', () => {
    const added = { ...rights[0], operation: 'WRITE' } as Right
    expect(accessChanges(wanted, observed(true, [...rights.slice(1), added]))).toEqual([
      { change: 'forbid', user, rights: [added] },
      { change: 'allow', user, rights: rights.slice(0, 1) },
    ])
  })

  test('who goes loses its rights first', () => {
    expect(accessChanges([], observed(true, rights)).map(({ change }) => change)).toEqual([
      'forbid',
      'dismiss',
    ])
    expect(accessChanges([], observed(false, rights)).map(({ change }) => change)).toEqual(['forbid'])
  })
})

describe('brokers', () => {
  const properties = (...changes: readonly Change[]) =>
    kafka.files(targetOf(dataService(...changes)))['server.properties']
  const withStatus =
    (status: object): Change =>
    service => ({ ...service, status })

  test('ask for rights while anybody is bound, and are as ever before and after', () => {
    const plain = properties()
    expect(plain).not.toMatch(/CONSUMERS|authorizer/)
    expect(properties(withSpec({ consumers }))).toContain('CONSUMERS:SASL_PLAINTEXT')
    expect(properties(withSpec({ writer: { autoscaling: { mode: 'Lag', by: 'KEDA' } } }))).toContain(
      'CONSUMERS:',
    )
    expect(properties(withStatus(bound))).toBe(properties(withSpec({ consumers })))
    expect(properties(withSpec({ consumers: [] }), withStatus({}))).toBe(plain)
  })

  test('of others let nobody in', () => {
    const external = { bootstrapServers: ['kafka.test:9092'] }
    expect(hasConsumers(targetOf(dataService(withSpec({ consumers, kafka: { external } }))))).toBe(false)
  })
})

describe('Secrets', () => {
  test('where brokers encrypt they wait for the authority', () => {
    const encrypted = targetOf(dataService(withSpec({ consumers, security: { tls: 'Internal' } })))
    expect(bindingsOf(encrypted)).toEqual([])
    expect(bindingsOf({ ...encrypted, certificates: { issue: 1, version: '', trusted: 'x' } })).toHaveLength(
      2,
    )
  })

  test('another authority and more brokers change what they tell, and nothing that was made once', () => {
    const seal = (...changes: readonly Change[]) => {
      const [first] = bindingsOf(targetOf(dataService(withSpec({ consumers }), ...changes)))
      return first?.told
    }
    const three = withSpec({ kafka: { managed: { brokers: 3 } } })
    expect(seal(three)?.metadata.annotations).not.toEqual(seal()?.metadata.annotations)
    expect(Object.keys(Reflect.get(seal() ?? {}, 'data'))).not.toContain('password')
  })
})

import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { dataService, smallestSpec, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { desiredChildren } from './children.ts'
import { isPlainObject } from './hash.ts'

const policiesOf = (spec: Parameters<typeof withSpec>[0]) =>
  desiredChildren({ ...targetOf(dataService(withSpec(spec))), operatorNamespace: 'dataservice-system' })
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .map(({ object }) => object)

const everything = {
  record: { ...smallestSpec.record, key: undefined, mode: 'Upsert' },
  gateway: {
    rateLimit: { requests: 100, per: 'Minute' },
    authentication: {
      jwt: { issuer: 'i', audiences: ['a'], jwksUri: 'https://login.example.test:8443/jwks' },
    },
  },
  networkPolicy: {
    mode: 'Strict',
    allowFrom: [
      {
        parts: ['kafka', 'gateway'],
        namespaceLabels: { 'kubernetes.io/metadata.name': 'billing' },
        podLabels: { app: 'x' },
      },
      { parts: ['gateway'], cidr: '10.0.0.0/8' },
      { parts: ['postgres'], podLabels: { app: 'report' } },
      { parts: ['kafka'], namespaceLabels: {} },
    ],
    egress: [{ ports: [4317], cidr: '192.0.2.0/24' }],
  },
  consumers: [
    {
      name: 'audit',
      from: [{ namespaceLabels: { team: 'audit' }, podLabels: { app: 'y' } }, { cidr: '10.9.0.0/16' }],
    },
  ],
}

test('with everything that changes them they are as the golden file says', async () => {
  const text = policiesOf(everything)
    .map(({ metadata, ...policy }) =>
      stringify(
        { name: metadata.name, spec: 'spec' in policy ? policy.spec : undefined },
        { lineWidth: 0, aliasDuplicateObjects: false },
      ),
    )
    .join('---\n')
  await expect(text).toMatchFileSnapshot('./golden/strict-network.yaml')
})

test('what a part may reach of ours is what the other side lets in, in both directions', () => {
  const rows = (direction: 'ingress' | 'egress'): string[] =>
    policiesOf(everything).flatMap(policy => {
      const spec = 'spec' in policy && isPlainObject(policy.spec) ? policy.spec : {}
      const self = JSON.stringify(spec['podSelector'])
      const rules = Array.isArray(spec[direction]) ? spec[direction].filter(isPlainObject) : []
      return rules.flatMap(rule => {
        const peers = rule[direction === 'ingress' ? 'from' : 'to']
        const inner = (Array.isArray(peers) ? peers : []).filter(
          peer =>
            isPlainObject(peer) &&
            Object.keys(peer).join() === 'podSelector' &&
            JSON.stringify(peer).includes('"orders"'),
        )
        return inner.map(peer => {
          const other = JSON.stringify(peer.podSelector)
          const [from, to] = direction === 'ingress' ? [other, self] : [self, other]
          return `${from} -> ${to} ${JSON.stringify(rule['ports'])}`
        })
      })
    })
  expect(rows('egress').length).toBe(14)
  expect(rows('egress').sort()).toEqual(rows('ingress').sort())
})

test('every pod that may not reach everything reaches DNS, also where its pods listen on a port of their own', () => {
  for (const { metadata, ...policy } of policiesOf(everything)) {
    const spec = 'spec' in policy && isPlainObject(policy.spec) ? policy.spec : {}
    const ports = [53, 5353, 8053].flatMap(port => [
      { port, protocol: 'UDP' },
      { port, protocol: 'TCP' },
    ])
    expect(spec['egress'], metadata.name).toContainEqual({ ports })
  }
})

test('KEDA comes to the brokers by the port that asks who it is, from whatever namespace', () => {
  const autoscaling = { mode: 'Lag', by: 'KEDA' }
  const kafka = policiesOf({ writer: { autoscaling }, networkPolicy: {} }).find(
    ({ metadata }) => metadata.name === 'orders-kafka',
  )
  const spec = kafka !== undefined && 'spec' in kafka && isPlainObject(kafka.spec) ? kafka.spec : {}
  expect(spec['ingress']).toContainEqual({
    from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'keda-operator' } } }],
    ports: [{ port: 9094, protocol: 'TCP' }],
  })
})

test('Off makes none', () => {
  expect(policiesOf({ networkPolicy: { mode: 'Off' } })).toEqual([])
})

test('a resource of an older CRD, which knows no policies, gets none', () => {
  const { networkPolicy: _, ...spec } = dataService().spec
  const found = desiredChildren(targetOf({ ...dataService(), spec }))
  expect(found.filter(({ kind }) => kind === 'NetworkPolicy')).toEqual([])
})

test.each([
  ['10.1.2.3', { to: [{ ipBlock: { cidr: '10.1.2.3/32' } }], ports: [{ port: 6380, protocol: 'TCP' }] }],
  ['fd00::7', { to: [{ ipBlock: { cidr: 'fd00::7/128' } }], ports: [{ port: 6380, protocol: 'TCP' }] }],
  ['cache.test', { ports: [{ port: 6380, protocol: 'TCP' }] }],
])('a Redis of others at %s is reached by those who use it, and nobody guards ours', (host, rule) => {
  const policies = policiesOf({
    redis: { external: { host, port: 6380 } },
    networkPolicy: { mode: 'Strict' },
  })
  expect(policies.map(({ metadata }) => metadata.name)).not.toContain('orders-redis')
  const reaches = (name: string): unknown => {
    const policy = policies.find(({ metadata }) => metadata.name === name)
    return policy !== undefined && 'spec' in policy && isPlainObject(policy.spec) ? policy.spec['egress'] : []
  }
  expect(reaches('orders-reader')).toContainEqual(rule)
  expect(reaches('orders-writer')).not.toContainEqual(rule)
})

test('a Postgres of others is reached by writers, readers and jobs; readers reach its replica, too', () => {
  const replica = { host: '10.1.2.4', port: 5432 }
  const external = { host: '10.1.2.3', port: 5433, database: 'd', secretRef: { name: 'db' }, replica }
  const policies = policiesOf({ postgres: { external }, networkPolicy: { mode: 'Strict' } })
  const text = (name: string) =>
    JSON.stringify(policies.find(({ metadata }) => metadata.name === `orders-${name}`))
  expect(policies.map(({ metadata }) => metadata.name)).not.toContain('orders-postgres')
  const reached = ['gateway', 'writer', 'reader', 'jobs'].map(name =>
    ['10.1.2.3/32', '10.1.2.4/32'].filter(cidr => text(name).includes(cidr)),
  )
  expect(reached).toEqual([[], ['10.1.2.3/32'], ['10.1.2.3/32', '10.1.2.4/32'], ['10.1.2.3/32']])
})

test('a Kafka of others is reached by gateways, writers and jobs: each of the brokers that are named', () => {
  const external = { bootstrapServers: ['10.1.2.3:9093', 'kafka.test:9094'] }
  const policies = policiesOf({ kafka: { external }, networkPolicy: { mode: 'Strict' } })
  const text = (name: string) =>
    JSON.stringify(policies.find(({ metadata }) => metadata.name === `orders-${name}`))
  expect(policies.map(({ metadata }) => metadata.name)).not.toContain('orders-kafka')
  const both = ['"cidr":"10.1.2.3/32"', '{"ports":[{"port":9094,"protocol":"TCP"}]}']
  const reached = ['gateway', 'writer', 'reader', 'jobs'].map(name =>
    both.filter(rule => text(name).includes(rule)),
  )
  expect(reached).toEqual([both, both, [], both])
})

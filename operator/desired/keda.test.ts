/** What KEDA is asked for, wherever the log is, and when nothing is asked of it. */
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { desiredChildren } from './children.ts'
import type { Target } from './target.ts'

type Spec = Parameters<typeof withSpec>[0]

const kinds: readonly string[] = ['ScaledObject', 'TriggerAuthentication', 'ConfigMap']
const scaledBy = (autoscaling: object = {}) => ({
  writer: { autoscaling: { mode: 'Lag', by: 'KEDA', ...autoscaling } },
})
const asked = (spec: Spec, more: Partial<Target> = {}) =>
  desiredChildren({ ...targetOf(dataService(withSpec({ ...scaledBy(), ...spec }))), ...more })
    .filter(({ kind, object }) => kinds.includes(kind) && object.metadata.name === 'orders-writer')
    .map(({ object }) => object)

const external = { bootstrapServers: ['a.test:9093', 'b.test:9093'] }
const places: [name: string, spec: Spec][] = [
  ['encrypted', { security: { tls: 'Internal' }, kafka: { managed: { brokers: 3 } } }],
  ['strimzi', { kafka: { strimzi: { cluster: 'main' } } }],
  ['open', { kafka: { external } }],
  [
    'secured',
    {
      kafka: {
        external: {
          ...external,
          scram: { mechanism: 'SCRAM-SHA-256', secretRef: { name: 'kafka' } },
          tls: { caSecretRef: { name: 'kafka-ca', key: 'chain.pem' }, clientCertificateRef: { name: 'own' } },
        },
      },
    },
  ],
]

test('how it comes to the log is as the golden file says, wherever that is', async () => {
  const found = places.map(([name, spec]) => ({
    [name]: asked(spec).map(({ kind, ...rest }) => {
      const { triggers, ...access } = 'spec' in rest ? Object(rest.spec) : { ...rest }
      const { metadata: _, apiVersion: __, ...shown } = { metadata: '', apiVersion: '', ...access }
      return triggers === undefined ? { [kind]: shown } : { [kind]: triggers }
    }),
  }))
  const text = stringify(Object.assign({}, ...found), { lineWidth: 0, aliasDuplicateObjects: false })
  await expect(text).toMatchFileSnapshot('./golden/keda.yaml')
})

describe('nothing is asked of KEDA', () => {
  const rows: [string, Spec, Partial<Target>?][] = [
    ['while the service hibernates', { lifecycle: 'Hibernated' }],
    ['while the writer sleeps, as in a restore', {}, { asleep: new Set(['writer']) }],
    ['while there is to be no writer', { writer: { ...scaledBy().writer, replicas: 0 } }],
    ['where the operator scales', scaledBy({ by: 'Operator' })],
    ['where nobody does', scaledBy({ mode: 'Off' })],
    ['where CPU counts', scaledBy({ mode: 'CPU' })],
  ]
  test.each(rows)('%s', (_title, spec, more = {}) => {
    expect(asked(spec, more)).toEqual([])
  })

  test('else a ScaledObject and its access', () => {
    expect(asked({}).map(({ kind }) => kind)).toEqual(['TriggerAuthentication', 'ScaledObject'])
  })
})

test('the bounds are those of any other autoscaler: partitions, connections and what is said', () => {
  const boundsOf = (spec: Spec) => {
    const [found] = asked(spec).filter(({ kind }) => kind === 'ScaledObject')
    const { minReplicaCount, maxReplicaCount } = Object(Reflect.get(found ?? {}, 'spec'))
    return [minReplicaCount, maxReplicaCount]
  }
  expect(boundsOf({})).toEqual([2, 6])
  expect(boundsOf({ kafka: { topic: { partitions: 1 } } })).toEqual([1, 1])
  expect(boundsOf({ writer: { replicas: 1, ...scaledBy({ maxReplicas: 4 }).writer } })).toEqual([1, 4])
})

import { describe, expect, test } from 'vitest'
import type { DataServiceClassSpec } from '#crds/v1alpha1/class.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { images } from '#operator/testing/target.ts'
import { effective } from './effective.ts'

type Spec = Parameters<typeof withSpec>[0]
const inForce = (spec: Spec, ofClass: DataServiceClassSpec) =>
  effective(dataService(withSpec(spec)), images, ofClass)

/** Where a class may decide: the field, what is built in, and a word of each for it. */
const decided: [
  field: string,
  look: (found: ReturnType<typeof effective>) => unknown,
  values: [builtIn: unknown, ofClass: unknown, own: unknown],
  ofClass: DataServiceClassSpec,
  own: Spec,
][] = [
  [
    'kafka.managed.brokers',
    ({ brokers, topic }) => [brokers, topic.replicationFactor],
    [
      [1, 1],
      [3, 3],
      [1, 1],
    ],
    { kafka: { managed: { brokers: 3 } } },
    { kafka: { managed: { brokers: 1 } } },
  ],
  [
    'postgres.managed.instances',
    ({ instances }) => instances,
    [1, 2, 5],
    { postgres: { managed: { instances: 2 } } },
    { postgres: { managed: { instances: 5 } } },
  ],
  [
    'writer.autoscaling.by and lagThreshold',
    ({ replicas: { writer } }) => (writer.rule === 'keda' ? writer.lagThreshold : writer.rule),
    ['seed', 'seed', 7],
    { writer: { autoscaling: { by: 'KEDA', lagThreshold: 9 } } },
    { writer: { autoscaling: { mode: 'Lag', by: 'KEDA', lagThreshold: 7 } } },
  ],
  [
    'redis.managed.instances',
    ({ caches }) => caches,
    [1, 2, 3],
    { redis: { managed: { instances: 2 } } },
    { redis: { managed: { instances: 3 } } },
  ],
  [
    'kafka.managed.storage',
    ({ storage }) => storage.kafka,
    [{ size: '10Gi' }, { size: '1Ti', className: 'fast' }, { size: '20Gi', className: 'fast' }],
    { kafka: { managed: { storage: { size: '1Ti', className: 'fast' } } } },
    { kafka: { managed: { storage: { size: '20Gi' } } } },
  ],
  [
    'postgres.managed.storage',
    ({ storage }) => storage.postgres,
    [{ size: '10Gi' }, { size: '1Ti' }, { size: '1Ti', className: 'slow' }],
    { postgres: { managed: { storage: { size: '1Ti' } } } },
    { postgres: { managed: { storage: { className: 'slow' } } } },
  ],
  [
    'writer.replicas',
    ({ replicas }) => replicas.writer,
    [
      { rule: 'seed', number: 2, most: 6 },
      { rule: 'seed', number: 6, most: 6 }, // no more than partitions
      { rule: 'exact', number: 1 },
    ],
    { writer: { replicas: 9 } },
    { writer: { replicas: 1 } },
  ],
  [
    'reader.replicas',
    ({ replicas }) => replicas.reader.number,
    [3, 5, 1],
    { reader: { replicas: 5 } },
    { reader: { replicas: 1 } },
  ],
]

describe('a class decides what a DataService leaves open', () => {
  test.each(decided)('%s', (_field, look, [builtIn, byClass, own], ofClass, spec) => {
    expect(look(inForce({}, {}))).toEqual(builtIn)
    expect(look(inForce({}, ofClass))).toEqual(byClass)
    expect(look(inForce(spec, ofClass))).toEqual(own)
  })

  test('who runs Redis: the one who speaks of it first, and then it is said whole', () => {
    const external = { host: 'cache.test', port: 6380 }
    const ofClass = { redis: { external: { ...external, secretRef: { name: 'cache' } } }, scopePrefix: 'eu1' }
    expect(inForce({}, {}).providers).toEqual({ kafka: 'managed', postgres: 'managed', redis: 'managed' })
    expect(inForce({}, ofClass)).toMatchObject({
      providers: { kafka: 'managed', postgres: 'managed', redis: 'external' },
      redis: { host: 'cache.test', secretRef: { name: 'cache' } },
      scopePrefix: 'eu1',
    })
    expect(inForce({ redis: { external } }, ofClass).redis).toEqual(external)
    expect(inForce({ redis: { managed: {} } }, ofClass)).toMatchObject({ providers: { redis: 'managed' } })
    expect(inForce({ redis: { managed: {} } }, ofClass).redis).toBeUndefined()
  })

  test('a Postgres that CloudNativePG runs: both are in force, field by field, and pods ask what it makes', () => {
    const found = inForce(
      { postgres: { cloudNativePG: { parameters: { work_mem: '8MB' }, storage: { size: '50Gi' } } } },
      {
        postgres: {
          cloudNativePG: {
            instances: 3,
            parameters: { work_mem: '4MB', max_connections: '400' },
            storage: { className: 'fast' },
          },
        },
      },
    )
    expect(found.providers.postgres).toBe('cloudNativePG')
    expect(found.cloudNativePG).toEqual({
      instances: 3,
      parameters: { max_connections: '400', work_mem: '8MB' },
    })
    expect(found.storage.postgres).toEqual({ size: '50Gi', className: 'fast' })
    expect(found.connections.total).toBe(400)
    expect(found.postgres).toEqual({
      host: 'orders-postgres-rw.shop.svc',
      port: 5432,
      replica: { host: 'orders-postgres-ro.shop.svc', port: 5432 },
      database: 'dataservice',
      secretRef: { name: 'orders-postgres-app' },
      tls: { caSecretRef: { name: 'orders-postgres-ca', key: 'ca.crt' } },
      maxConnections: 400,
    })
    const alone = inForce({ postgres: { cloudNativePG: { instances: 1 } } }, {})
    expect(alone.postgres).not.toHaveProperty('replica')
    const ours = inForce(
      { postgres: { managed: {} } },
      { postgres: { cloudNativePG: { storage: { size: '9Gi' } } } },
    )
    expect([ours.providers.postgres, ours.storage.postgres.size, ours.postgres]).toEqual([
      'managed',
      '10Gi',
      undefined,
    ])
  })

  test('images of the engines, and never the one of gateway, writer and reader', () => {
    const found = inForce({}, { images: { kafka: 'mirror.test/kafka:4.3.0' } }).images
    expect(found).toEqual({ ...images, kafka: 'mirror.test/kafka:4.3.0' })
  })

  test.each(['gateway', 'writer', 'reader'] as const)('resources of the %s, each amount by itself', part => {
    const ofClass = { [part]: { resources: { requests: { cpu: '300m', memory: '300Mi' } } } }
    const own = { [part]: { resources: { requests: { cpu: 1 } } } }
    expect(inForce(own, ofClass).resources[part]).toEqual({
      requests: { cpu: '1', memory: '300Mi' },
      limits: { cpu: '1', memory: '512Mi' },
    })
  })

  test.each(['kafka', 'postgres', 'redis'] as const)('resources of %s', part => {
    const ofClass = { [part]: { managed: { resources: { limits: { cpu: '4' } } } } }
    const own = { [part]: { managed: { resources: { limits: { memory: '3Gi' } } } } }
    expect(inForce(own, ofClass).resources[part].limits).toEqual({ cpu: '4', memory: '3Gi' })
  })

  test('a request lifts a limit below it, and a limit lowers a request above it: no pair is ever invalid', () => {
    const lifted = inForce({}, { gateway: { resources: { requests: { cpu: '3' } } } })
    expect(lifted.resources.gateway).toMatchObject({ requests: { cpu: '3' }, limits: { cpu: '3' } })
    const lowered = inForce(
      { gateway: { resources: { limits: { cpu: '100m' } } } },
      { gateway: { resources: { requests: { cpu: '3' } } } },
    )
    expect(lowered.resources.gateway).toMatchObject({ requests: { cpu: '100m' }, limits: { cpu: '100m' } })
  })

  test('overrides of pods: both are in force, and the DataService wins where both name the same', () => {
    const dedicated = { key: 'dedicated', operator: 'Exists' as const }
    const spot = { key: 'spot', operator: 'Exists' as const }
    const ofClass: DataServiceClassSpec = {
      writer: {
        pod: {
          nodeSelector: { disk: 'ssd', zone: 'a' },
          tolerations: [dedicated],
          imagePullSecrets: [{ name: 'mirror' }],
          priorityClassName: 'low',
          labels: { team: 'platform' },
        },
      },
    }
    const own = {
      writer: {
        pod: { nodeSelector: { zone: 'b' }, tolerations: [dedicated, spot], priorityClassName: 'high' },
      },
    }
    const both = {
      nodeSelector: { disk: 'ssd', zone: 'b' },
      tolerations: [dedicated, spot],
      imagePullSecrets: [{ name: 'mirror' }],
      priorityClassName: 'high',
      labels: { team: 'platform' },
    }
    const { pods } = inForce(own, ofClass)
    expect(pods.writer).toEqual(both)
    expect(pods.jobs).toEqual(both) // jobs go where the writer goes
    expect(pods.reader).toEqual({})
  })

  test('tolerations: what is empty is left out, as the API server keeps none', () => {
    const pod = {
      tolerations: [
        { key: '', operator: 'Exists' as const },
        { key: 'dedicated', operator: 'Equal' as const, value: '' },
      ],
    }
    const stored = [{ operator: 'Exists' }, { key: 'dedicated', operator: 'Equal' }]
    for (const { pods } of [inForce({ writer: { pod } }, {}), inForce({}, { writer: { pod } })])
      expect(pods.writer.tolerations).toStrictEqual(stored)
  })
})

describe('who scales the writer after the lag', () => {
  const ofClass: DataServiceClassSpec = { writer: { autoscaling: { by: 'KEDA', lagThreshold: 9 } } }
  const writerOf = (autoscaling: object, spec = ofClass) =>
    inForce({ writer: { autoscaling } }, spec).replicas.writer

  test('the class decides where the DataService asks for it and leaves it open', () => {
    expect(writerOf({ mode: 'Lag' })).toMatchObject({ rule: 'keda', lagThreshold: 9 })
    expect(writerOf({ mode: 'Lag' }, {})).toMatchObject({ rule: 'lag' })
    expect(writerOf({ mode: 'Lag', by: 'Operator' })).toMatchObject({ rule: 'lag' })
    expect(writerOf({ mode: 'CPU' })).toMatchObject({ rule: 'floor' })
  })
})

import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseSettings } from '#dataservice/contract/settings.ts'
import { ofClass } from '#operator/testing/class.ts'
import { dataService, smallestSpec, withSpec } from '#operator/testing/data-service.ts'
import { kafkaOfOthers, postgresOfOthers } from '#operator/testing/engines-of-others.ts'
import { serviceWith } from '#operator/testing/showcase.ts'
import { targetOf } from '#operator/testing/target.ts'
import { askedKinds, type ChildKind, children, desiredChildren } from './children.ts'
import { bindingsOf } from './consumers.ts'
import { kafka } from './engines/kafka.ts'
import { isKindOfOthers } from './kinds-of-others.ts'
import { annotationKeys, isOurs } from './labels.ts'

const target = targetOf(dataService())
const all = desiredChildren(target)
const kinds = [...new Set(children.map(({ kind }) => kind))]

/** Every child of a kind as YAML, in the order of the table. `vitest -u` writes the files anew. */
const ofKind = (kind: ChildKind): string =>
  desiredChildren(targetOf(serviceWith(kind)))
    .filter(child => child.kind === kind)
    .map(({ object }) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n')

/** Three brokers and a Postgres with a replica. */
const clustered = desiredChildren(
  targetOf(
    dataService(withSpec({ kafka: { managed: { brokers: 3 } }, postgres: { managed: { instances: 2 } } })),
  ),
)

test('three brokers and a replica: engines and their Services are as the golden file says', async () => {
  const changed = clustered.filter(
    ({ object }) => !all.some(child => isDeepStrictEqual(child.object, object)),
  )
  const engines = changed.filter(({ kind }) => kind !== 'Deployment' && kind !== 'Job' && kind !== 'CronJob')
  const text = engines
    .map(({ object }) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n')
  await expect(text).toMatchFileSnapshot('./golden/clustered.yaml')
})

test('three instances of the cache: its StatefulSet and what pods are told are as the golden file says', async () => {
  const found = desiredChildren(targetOf(dataService(withSpec({ redis: { managed: { instances: 3 } } }))))
  const changed = found.filter(
    ({ kind, object }) =>
      ['StatefulSet', 'ConfigMap'].includes(kind) &&
      !all.some(child => isDeepStrictEqual(child.object, object)),
  )
  const text = changed
    .map(({ object }) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n')
  await expect(text).toMatchFileSnapshot('./golden/caches.yaml')
})

test('encrypted hops: what is new in each object is as the golden file says, and nothing is mounted without', async () => {
  const encrypted = desiredChildren(targetOf(dataService(withSpec({ security: { tls: 'Internal' } }))))
  const kinds: readonly string[] = ['Service', 'ConfigMap', 'StatefulSet', 'Deployment', 'Job', 'CronJob']
  const changed = encrypted.filter(
    ({ kind, object }) => kinds.includes(kind) && !all.some(child => isDeepStrictEqual(child.object, object)),
  )
  const text = changed
    .map(({ object }) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n')
  await expect(text).toMatchFileSnapshot('./golden/encrypted.yaml')
  expect(JSON.stringify(all)).not.toContain('orders-certificates')
})

test('encrypted hops: every pod has certificates, and backups ask with them', () => {
  const service = dataService(withSpec({ security: { tls: 'Internal' }, backup: { schedule: '0 3 * * *' } }))
  const operation = { uid: '0b1c2d3e-4f50-4a6b', type: 'Backup' as const, restore: {}, isJobDue: true }
  const found = desiredChildren({ ...targetOf(service), operation })
  const bare = found.filter(({ object }) => {
    const text = JSON.stringify(object)
    return text.includes('"containers":') && !text.includes('"secretName":"orders-certificates"')
  })
  expect(bare.map(({ object }) => object.metadata.name)).toEqual([])
  const scripts = found.find(({ object }) => object.metadata.name === 'orders-backup-config')
  expect(JSON.stringify(scripts).match(/sslmode=verify-full/g)).toHaveLength(2)
})

test.each(['Off', 'Internal'])(
  'consumers, security.tls %s: what is new or other is as the golden file says',
  async tls => {
    const targetWith = (more: object) => {
      const target = targetOf(dataService(withSpec({ security: { tls }, ...more })))
      return tls === 'Off'
        ? target
        : { ...target, certificates: { issue: 1, version: '', trusted: 'authority' } }
    }
    const before = desiredChildren(targetWith({}))
    const target = targetWith({ consumers: [{ name: 'billing' }] })
    const shown: readonly string[] = ['Secret', 'NetworkPolicy']
    const changed = desiredChildren(target).filter(
      ({ kind, object }) =>
        shown.includes(kind) && !before.some(child => isDeepStrictEqual(child.object, object)),
    )
    const objects = [
      { 'server.properties': kafka.files(target)['server.properties'] },
      ...changed.map(({ object }) => object),
      ...bindingsOf(target).map(({ told }) => told),
    ]
    const text = objects
      .map(object => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
      .join('---\n')
    await expect(text).toMatchFileSnapshot(`./golden/consumers-${tls === 'Off' ? 'plain' : 'encrypted'}.yaml`)
  },
)

test('records that change and wait: settings and writer are as the golden file says', async () => {
  const changing = withSpec({
    record: { ...smallestSpec.record, key: undefined, mode: 'Upsert' },
    writer: { onError: 'HoldKey' },
  })
  const found = desiredChildren(targetOf(dataService(changing))).filter(({ object: { metadata } }) =>
    ['orders-settings', 'orders-writer'].includes(metadata.name),
  )
  const text = found
    .map(({ object }) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n')
  await expect(text).toMatchFileSnapshot('./golden/changing.yaml')
})

test('a Redis of others: nothing of ours stands for it, and whoever uses it mounts its Secrets', async () => {
  const external = {
    host: 'cache.test',
    port: 6380,
    secretRef: { name: 'cache' },
    tls: { caSecretRef: { name: 'cache-ca', key: 'ca.crt' } },
  }
  const service = dataService(
    withSpec({ redis: { external }, gateway: { rateLimit: { requests: 9, per: 'Second' } } }),
  )
  const found = desiredChildren(targetOf(service, [], ofClass({ scopePrefix: 'eu1' })))
  expect(found.filter(({ object }) => object.metadata.name.includes('redis'))).toEqual([])
  const volumes = (name: string) =>
    found
      .filter(({ kind, object }) => kind === 'Deployment' && object.metadata.name === name)
      .map(({ object }) => JSON.stringify(object).match(/"secretName":"cache[-a-z]*"/g))
  const mounted = ['"secretName":"cache"', '"secretName":"cache-ca"']
  expect(['orders-gateway', 'orders-reader', 'orders-writer'].map(volumes)).toEqual([
    [mounted],
    [mounted],
    [null],
  ])
  const settings = found.find(({ object }) => object.metadata.name === 'orders-settings')
  await expect(stringify(settings?.object, { lineWidth: 0 })).toMatchFileSnapshot(
    './golden/external-redis.yaml',
  )
})

test('a Postgres of others: nothing of ours stands for it, and only the migration has its password', async () => {
  const service = dataService(withSpec({ postgres: { external: postgresOfOthers } }))
  const found = desiredChildren(targetOf(service, [], ofClass({ scopePrefix: 'eu1' })))
  expect(found.filter(({ object }) => object.metadata.name.includes('postgres'))).toEqual([])
  const mounting = (secret: string) =>
    found
      .filter(({ object }) => JSON.stringify(object).includes(`"secretName":"${secret}"`))
      .map(({ object }) => object.metadata.name.replace(/-[0-9a-f]{8}$/, ''))
  expect(mounting('db')).toEqual(['orders-migrate'])
  expect(mounting('db-ca')).toEqual(['orders-migrate', 'orders-maintain', 'orders-writer', 'orders-reader'])
  const golden = found.filter(
    ({ kind, object }) => kind === 'Job' || object.metadata.name === 'orders-settings',
  )
  const text = golden.map(({ object }) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
  await expect(text.join('---\n')).toMatchFileSnapshot('./golden/external-postgres.yaml')
})

test('a Kafka of others: nothing of ours stands for it, and whoever uses it mounts its Secrets', async () => {
  const service = dataService(withSpec({ kafka: { external: kafkaOfOthers } }))
  const found = desiredChildren(targetOf(service, [], ofClass({ scopePrefix: 'eu1' })))
  expect(found.filter(({ object }) => object.metadata.name.includes('kafka'))).toEqual([])
  const mounting = (secret: string) =>
    found
      .filter(({ object }) => JSON.stringify(object).includes(`"secretName":"${secret}"`))
      .map(({ object }) => object.metadata.name.replace(/-[0-9a-f]{8}$/, ''))
  for (const secret of ['kafka', 'kafka-ca', 'kafka-cert'])
    expect(mounting(secret)).toEqual(['orders-migrate', 'orders-gateway', 'orders-writer'])
  const settings = found.find(({ object }) => object.metadata.name === 'orders-settings')
  await expect(stringify(settings?.object, { lineWidth: 0 })).toMatchFileSnapshot(
    './golden/external-kafka.yaml',
  )
})

test('no two DataServices have a name in common on a Postgres that they share', () => {
  const storeOf = (namespace: string, name: string, prefix?: string): unknown => {
    const service = dataService(
      withSpec({ postgres: { external: postgresOfOthers } }),
      ({ metadata, ...rest }) => ({
        ...rest,
        metadata: { ...metadata, namespace, name },
      }),
    )
    const choice = prefix === undefined ? undefined : ofClass({ scopePrefix: prefix })
    const { store } = parseSettings(targetOf(service, [], choice).settings.text)
    return [store.schema, ...Object.values(store.users)]
  }
  const all = [
    storeOf('a', 'orders'),
    storeOf('b', 'orders'),
    storeOf('a', 'b-orders'),
    storeOf('a-b', 'orders'),
    storeOf('a', 'orders', 'eu1'),
    storeOf('n'.repeat(63), 'n'.repeat(40)),
  ].flat()
  expect(new Set(all).size).toBe(24)
  for (const name of all) expect(name).toMatch(/^ds_[0-9a-f]{10}(_(owner|writer|reader))?$/)
})

test('backups: what is made for them is as the golden file says', async () => {
  const service = dataService(withSpec({ backup: { schedule: '0 3 * * *' } }))
  const wanted = {
    ...targetOf(service),
    operation: { uid: '0b1c2d3e-4f50-4a6b', type: 'Restore' as const, restore: {}, isJobDue: true },
  }
  const found = desiredChildren(wanted).filter(
    ({ kind, object: { metadata } }) => kind !== 'ConfigMap' && /^orders-(backup|op-)/.test(metadata.name),
  )
  expect(found.map(({ kind }) => kind)).toEqual(['NetworkPolicy', 'StatefulSet', 'CronJob', 'Job'])
  const text = found
    .map(({ object }) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n')
  await expect(text).toMatchFileSnapshot('./golden/backup.yaml')
})

test('backups in an object store: what is new or other is as the golden file says, and its keys are where it is', async () => {
  const backedUp = (s3?: object) => {
    const backup = { schedule: '0 3 * * *', ...(s3 && { s3 }) }
    const service = dataService(withSpec({ backup, networkPolicy: { mode: 'Strict' } }))
    const operation = { uid: '0b1c2d3e-4f50-4a6b', type: 'Restore' as const, restore: {}, isJobDue: true }
    return desiredChildren({ ...targetOf(service), operation })
  }
  const before = backedUp()
  const found = backedUp({
    bucket: 'backups',
    endpoint: 'https://10.0.0.9:9000',
    region: 'us-east-1',
    secretRef: { name: 'keys' },
    caSecretRef: { name: 'authority', key: 'ca.crt' },
  })
  const changed = found
    .map(({ object }) => object)
    .filter(({ metadata }) => /^orders-(backup|op-)/.test(metadata.name))
    .filter(object => !before.some(child => isDeepStrictEqual(child.object, object)))
  // The scripts are in the other golden file's hash.
  const shown = changed.map(object =>
    object.kind === 'ConfigMap'
      ? { 'mirror.json': Reflect.get(Object(Reflect.get(object, 'data')), 'mirror.json') }
      : object,
  )
  const text = shown
    .map(object => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n')
  await expect(text).toMatchFileSnapshot('./golden/backup-s3.yaml')
  const holding = found.filter(({ object }) => JSON.stringify(object).includes('"secretName":"keys"'))
  expect(holding.map(({ object }) => object.metadata.name)).toEqual([
    'orders-backup-s3',
    'orders-op-0b1c2d3e-4f50',
  ])
})

test.each(kinds)('%s is as its golden file says', async kind => {
  await expect(ofKind(kind)).toMatchFileSnapshot(`./golden/${kind}.yaml`)
})

describe('the children of the smallest DataService', () => {
  test('none is of a kind that others define', () => {
    expect(all.filter(({ kind }) => isKindOfOthers(kind))).toEqual([])
    expect(askedKinds(target)).toEqual([])
  })

  test('each has a name of its own', () => {
    const names = all.map(({ kind, object }) => `${kind}/${object.metadata.name}`)
    expect(new Set(names).size).toBe(names.length)
  })

  test('each is ours: by owner reference, or retained for this name', () => {
    expect(all.filter(({ object }) => !isOurs(target.owner, object.metadata))).toEqual([])
  })

  test('only the Secrets outlive their owner', () => {
    const retained = all.filter(
      ({ object }) => object.metadata.annotations?.[annotationKeys.retained] !== undefined,
    )
    expect(retained.map(({ object }) => object.metadata.name)).toEqual([
      'orders-identity',
      'orders-credentials',
    ])
    expect(retained.flatMap(({ object }) => object.metadata.ownerReferences ?? [])).toEqual([])
  })

  test('no Deployment says how many pods it wants', () => {
    const deployments = all.filter(({ kind }) => kind === 'Deployment')
    expect(deployments).toHaveLength(3)
    for (const { object } of deployments) expect(JSON.stringify(object)).not.toContain('"replicas"')
  })

  test('building twice gives the same objects', () => {
    expect(desiredChildren(targetOf(dataService()))).toEqual(all)
  })

  test('the longest name allowed still fits every child', () => {
    const longest = dataService(service => ({
      ...service,
      metadata: { ...service.metadata, name: 'n'.repeat(40) },
    }))
    const limits: Partial<Record<ChildKind, number>> = { StatefulSet: 52, CronJob: 52 }
    for (const { kind, object } of desiredChildren(targetOf(longest))) {
      expect(object.metadata.name.length, `${kind} ${object.metadata.name}`).toBeLessThanOrEqual(
        limits[kind] ?? 63,
      )
    }
  })
})

/**
 * A Postgres that CloudNativePG runs, against a real API server with the CRD that it publishes. CloudNativePG itself is
 * played: its Secrets, and the status of its Cluster.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { ensureDefinitions } from '#e2e/definitions/definitions.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { childLabels } from './desired/labels.ts'
import type { ObservedChild } from './desired/target.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'
import { patchStatus, playMigration, playPods } from './testing/played.ts'
import { tenantOf } from './testing/tenant.ts'

const patience = 30_000
const definition = 'clusters.postgresql.cnpg.io'
let namespace = ''
let operator: RunningOperator
let definitions: string[] = []
const { inNamespace, read, create, condition } = tenantOf(() => namespace)
const install = () => kubectl(['apply', '--server-side', ...definitions.flatMap(file => ['-f', file])])

beforeAll(async () => {
  definitions = await ensureDefinitions('cloudnative-pg')
  namespace = await newNamespace('delegated-postgres')
  operator = await runOperator(namespace)
}, 120_000)
afterAll(async () => {
  await operator.stop()
  await kubectl(['delete', 'crd', definition, '--ignore-not-found', '--wait=false'])
})

const cluster = (name = 'orders'): Promise<ObservedChild> => read(`${definition}/${name}-postgres`)

/** As CloudNativePG tells it. */
const play = (status: object, name = 'orders'): Promise<void> =>
  patchStatus(namespace, `${definition}/${name}-postgres`, status)

const ready = (instances: number) => ({
  instances,
  readyInstances: instances,
  phase: 'Cluster in healthy state',
  phaseReason: '',
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'ClusterIsReady',
      message: 'Cluster is Ready',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ],
})
const notReady = (phase: string, phaseReason: string) => ({
  ...ready(2),
  readyInstances: 0,
  phase,
  phaseReason,
  conditions: [{ ...ready(2).conditions[0], status: 'False', reason: 'ClusterIsNotReady' }],
})

const writesOf = async (resource: string): Promise<string[]> =>
  (await operatorRequests(namespace))
    .filter(
      ({ objectRef, verb }) => objectRef?.resource === resource && !['get', 'list', 'watch'].includes(verb),
    )
    .map(({ verb, objectRef }) => `${verb} ${objectRef?.name}`)

test('nobody asks for a kind that no DataService uses, and one that is missing holds up nobody else', async () => {
  await create('plain', smallestSpec)
  await settledIn(patience, async () =>
    expect(await inNamespace('get', 'sts', '-o', 'name')).toContain('plain-postgres'),
  )
  const asked = async () =>
    (await operatorRequests(namespace)).filter(({ objectRef }) => objectRef?.resource === 'clusters')
  expect(await asked()).toEqual([])
  await create('orders', {
    ...smallestSpec,
    deletionPolicy: 'Delete',
    postgres: {
      cloudNativePG: {
        instances: 3,
        imageName: 'ghcr.io/cloudnative-pg/postgresql:17',
        storage: { size: '20Gi', className: 'fast' },
        parameters: { max_connections: '300', work_mem: '8MB' },
        resources: { requests: { cpu: '0.5' } },
        pod: {
          imagePullSecrets: [{ name: 'pull' }],
          nodeSelector: { disk: 'fast' },
          tolerations: [{ key: 'spot', operator: 'Exists', effect: 'NoSchedule' }],
          priorityClassName: 'high',
          labels: { team: 'a' },
          annotations: { note: 'b' },
          serviceAccountAnnotations: { role: 'c' },
        },
      },
    },
  })
  await settledIn(patience, async () => {
    expect(await condition('orders', 'DatabaseReady')).toMatch(
      /^False\/KindMissing .*install the CloudNativePG operator, 1\.25 or newer/,
    )
    expect(await condition('orders', 'Stalled')).toMatch(/^True\/KindMissing/)
    expect(await inNamespace('get', 'sts', '-o', 'name')).toContain('orders-kafka')
  })
  expect(await condition('plain', 'Stalled')).toMatch(/^False\/Healthy/)
})

test('as soon as CloudNativePG is installed the Cluster is made, and strict validation takes all of it', async () => {
  await install()
  await settledIn(patience, async () => {
    const { spec, metadata } = await cluster()
    expect(spec).toMatchObject({ instances: 3, storage: { size: '20Gi', storageClass: 'fast' } })
    expect(spec?.['postgresql']).toMatchObject({ parameters: { max_connections: '300', work_mem: '8MB' } })
    expect(spec?.['inheritedMetadata']).toEqual({ labels: { team: 'a' }, annotations: { note: 'b' } })
    expect(metadata.ownerReferences?.map(({ kind }) => kind)).toEqual(['DataService'])
  })
  await settledIn(patience, async () =>
    expect(await condition('orders', 'DatabaseReady')).toMatch(
      /^False\/EngineNotReady Cluster orders-postgres of CloudNativePG: 0 of 3 instances ready; CloudNativePG has not/,
    ),
  )
})

test('what CloudNativePG says is told, and what only somebody else can mend stalls', async () => {
  await play(notReady('Setting up primary', 'Creating primary instance orders-postgres-1'))
  await settledIn(patience, async () =>
    expect(await condition('orders', 'DatabaseReady')).toContain(
      'False/EngineNotReady Cluster orders-postgres of CloudNativePG: 0 of 3 instances ready; Setting up primary: ' +
        'Creating primary instance orders-postgres-1. kubectl -n ',
    ),
  )
  await play(notReady('Unable to create required cluster objects', 'refusing to reconcile service'))
  await settledIn(patience, async () =>
    expect(await condition('orders', 'Stalled')).toMatch(
      /^True\/EngineStalled DatabaseReady: .*refusing to reconcile/,
    ),
  )
})

test('when it is ready the migration logs in with the Secrets of CloudNativePG, and nothing reads them', async () => {
  await play(ready(3))
  await settledIn(patience, async () =>
    expect(await inNamespace('get', 'job', '-o', 'name')).toMatch(/orders-migrate-/),
  )
  const job = (await inNamespace('get', 'job', '-o', 'name')).trim()
  const mounted = await inNamespace('get', job, '-o', 'jsonpath={..secretName}')
  expect(mounted.split(' ')).toEqual(['orders-credentials', 'orders-postgres-app', 'orders-postgres-ca'])
  const settings = await inNamespace('get', 'cm/orders-settings', '-o', 'jsonpath={.data.settings\\.json}')
  expect(JSON.parse(settings).store).toMatchObject({
    primary: { host: `orders-postgres-rw.${namespace}.svc`, port: 5432 },
    replica: { host: `orders-postgres-ro.${namespace}.svc`, port: 5432 },
    database: 'dataservice',
    access: 'Given',
    tls: { ownAuthority: true },
  })
  await playPods(namespace, 'sts/orders-kafka')
  await playMigration(namespace)
  await settledIn(patience, async () => {
    expect(await condition('orders', 'DatabaseReady')).toMatch(
      /^True\/Delegated Cluster orders-postgres of CloudNativePG: 3 of 3 instances ready; Job orders-migrate/,
    )
    expect(await inNamespace('get', 'deploy', '-o', 'name')).toContain('orders-writer')
  })
  const secrets = (await operatorRequests(namespace))
    .filter(({ objectRef }) => objectRef?.resource === 'secrets')
    .map(({ objectRef }) => objectRef?.name ?? '')
  expect(secrets.filter(name => name.startsWith('orders-postgres'))).toEqual([])
})

test('what differs is put back, what others add stays, and nothing is written when nothing changed', async () => {
  const patch = { spec: { instances: 5, backup: { retentionPolicy: '30d' } } }
  await inNamespace('patch', `${definition}/orders-postgres`, '--type=merge', '-p', JSON.stringify(patch))
  await settledIn(patience, async () => expect((await cluster()).spec?.['instances']).toBe(3))
  expect((await cluster()).spec?.['backup']).toMatchObject({ retentionPolicy: '30d' })
  const before = await writesOf('clusters')
  await inNamespace('label', 'dsvc/orders', 'looked-at=again')
  await play({ ...ready(3), phaseReason: 'all well' })
  await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/restartedAt=2026-01-01T00:00:00Z')
  await settledIn(patience, async () =>
    expect((await cluster()).metadata.annotations?.['kubectl.kubernetes.io/restartedAt']).toBe(
      '2026-01-01T00:00:00Z',
    ),
  )
  expect((await writesOf('clusters')).length).toBe(before.length + 1)
})

test('Hibernated lets CloudNativePG put the Cluster to sleep', async () => {
  await inNamespace('patch', 'dsvc/orders', '--type=merge', '-p', '{"spec":{"lifecycle":"Hibernated"}}')
  await settledIn(patience, async () => {
    for (const part of ['gateway', 'writer', 'reader']) await playPods(namespace, `deploy/orders-${part}`, 0)
    await playPods(namespace, 'sts/orders-redis')
    expect((await cluster()).metadata.annotations?.['cnpg.io/hibernation']).toBe('on')
  })
  await settledIn(patience, async () =>
    expect(await condition('orders', 'DatabaseReady')).toMatch(/^False\/Hibernating/),
  )
  const [condition0] = ready(0).conditions
  await play({
    ...ready(0),
    conditions: [{ ...condition0, type: 'cnpg.io/hibernation', reason: 'Hibernated' }],
  })
  await settledIn(patience, async () => {
    await playPods(namespace, 'sts/orders-kafka')
    expect(await condition('orders', 'DatabaseReady')).toMatch(/^True\/Hibernated/)
    expect(await condition('orders', 'Ready')).toMatch(/^True\/Hibernated/)
  })
  await inNamespace('patch', 'dsvc/orders', '--type=merge', '-p', '{"spec":{"lifecycle":"Running"}}')
  await settledIn(patience, async () => {
    await playPods(namespace, 'sts/orders-kafka')
    expect((await cluster()).metadata.annotations?.['cnpg.io/hibernation']).toBeUndefined()
  })
  await play(ready(3))
})

test('a Cluster of somebody else is never taken', async () => {
  const foreign = {
    apiVersion: 'postgresql.cnpg.io/v1',
    kind: 'Cluster',
    metadata: { name: 'taken-postgres' },
    spec: { instances: 1, storage: { size: '1Gi' } },
  }
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(foreign) })
  await create('taken', { ...smallestSpec, postgres: { cloudNativePG: {} } })
  await settledIn(patience, async () =>
    expect(await condition('taken', 'Stalled')).toMatch(
      /^True\/NotOwned Cluster .*taken-postgres exists and belongs/,
    ),
  )
  expect((await cluster('taken')).spec?.['instances']).toBe(1)
})

test('with Retain the Cluster has no owner and is adopted by the next DataService of the name', async () => {
  const spec = { ...smallestSpec, postgres: { cloudNativePG: {} } }
  await create('kept', spec)
  await settledIn(patience, async () => {
    const { metadata } = await cluster('kept')
    expect(metadata.ownerReferences).toBeUndefined()
    expect(metadata.annotations?.['dataservice.dev/retained']).toBe(`${namespace}/kept`)
  })
  const { uid } = (await cluster('kept')).metadata
  await inNamespace('delete', 'dsvc/kept')
  await create('kept', { ...spec, deletionPolicy: 'Delete' })
  await settledIn(patience, async () => {
    const { metadata } = await cluster('kept')
    expect(metadata.uid).toBe(uid)
    expect(metadata.ownerReferences?.map(({ kind }) => kind)).toEqual(['DataService'])
  })
})

test('a Cluster that somebody brought back from a copy is adopted as it began', async () => {
  const recovery = { source: 'before', database: 'dataservice', owner: 'dataservice' }
  const brought = {
    apiVersion: 'postgresql.cnpg.io/v1',
    kind: 'Cluster',
    metadata: {
      name: 'back-postgres',
      labels: childLabels('back', 'postgres'),
      annotations: { 'dataservice.dev/retained': `${namespace}/back` },
    },
    spec: { instances: 1, bootstrap: { recovery }, storage: { size: '1Gi' } },
  }
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(brought) })
  await create('back', { ...smallestSpec, postgres: { cloudNativePG: { instances: 2 } } })
  await settledIn(patience, async () => expect((await cluster('back')).spec?.['instances']).toBe(2))
  expect((await cluster('back')).spec?.['bootstrap']).toEqual({ recovery })
})

test('when the CRD goes while it is used the operator says so, makes nothing else, and lives', async () => {
  await kubectl(['delete', 'crd', definition])
  await settledIn(patience, async () =>
    expect(await condition('orders', 'Stalled')).toMatch(/^True\/KindMissing/),
  )
  expect(await inNamespace('get', 'deploy', '-o', 'name')).toContain('orders-writer')
  await install()
  await settledIn(patience, async () => {
    expect(await condition('orders', 'DatabaseReady')).toMatch(
      /^False\/VolumeLost Cluster orders-postgres of CloudNativePG is gone and held data before/,
    )
    expect(await inNamespace('get', definition, '-o', 'name')).not.toContain('orders-postgres')
  })
  await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/reinitialise=postgres')
  await settledIn(patience, async () => expect((await cluster()).spec?.['instances']).toBe(3))
})

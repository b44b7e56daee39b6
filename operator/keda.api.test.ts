/**
 * The writer scaled by KEDA, against a real API server with the CRDs that it publishes. KEDA itself is played: the statuses of
 * its objects, and the HorizontalPodAutoscaler that it makes.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiVersion as classVersion } from '#crds/v1alpha1/class.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { ensureDefinitions } from '#e2e/definitions/definitions.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { deployedParts, engineParts } from './desired/names.ts'
import type { ObservedChild } from './desired/target.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'
import { patchStatus, playMigration, playPods } from './testing/played.ts'
import { tenantOf } from './testing/tenant.ts'

const patience = 30_000
const scaledObjects = 'scaledobjects.keda.sh'
const accesses = 'triggerauthentications.keda.sh'
const className = 'scaled-by-keda'
let namespace = ''
let operator: RunningOperator
let definitions: string[] = []
const { inNamespace, read, create, patch, condition, names } = tenantOf(() => namespace)
const settled = <T>(check: () => Promise<T>): Promise<T> => settledIn(patience, check)
const apply = (object: object): Promise<string> =>
  kubectl(['apply', '--validate=strict', '-f', '-'], { input: JSON.stringify(object) })

beforeAll(async () => {
  definitions = await ensureDefinitions('keda')
  namespace = await newNamespace('keda')
  operator = await runOperator(namespace)
  await apply({
    apiVersion: classVersion,
    kind: 'DataServiceClass',
    metadata: { name: className },
    spec: { writer: { autoscaling: { by: 'KEDA', lagThreshold: 5_000 } } },
  })
}, 300_000)
afterAll(async () => {
  await operator.stop()
  await kubectl(['delete', 'dsclass', className, '--ignore-not-found'])
  await kubectl(['delete', 'crd', scaledObjects, accesses, '--ignore-not-found', '--wait=false'])
})

const writers = (): Promise<string> =>
  inNamespace('get', 'deployment/orders-writer', '-o', 'jsonpath={.spec.replicas}')
const scaler = (): Promise<ObservedChild> => read(`${scaledObjects}/orders-writer`)
const scale = (replicas: number): Promise<string> =>
  inNamespace('scale', 'deployment/orders-writer', `--replicas=${replicas}`)
/** How often a number of writers was written. */
const numbersWritten = async (): Promise<number> =>
  (await operatorRequests(namespace)).filter(
    ({ objectRef }) => objectRef?.subresource === 'scale' && objectRef.name === 'orders-writer',
  ).length

/** What KEDA says, of type Ready. */
async function says(status: 'True' | 'False', reason: string, message: string): Promise<void> {
  await patchStatus(namespace, `${scaledObjects}/orders-writer`, {
    conditions: [{ type: 'Ready', status, reason, message }],
  })
}

/** As KEDA makes it. */
async function autoscaler(): Promise<void> {
  const { apiVersion, kind, metadata, spec } = await scaler()
  const { name, uid = '' } = metadata
  await apply({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: {
      name: `keda-hpa-${name}`,
      namespace,
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: spec?.['minReplicaCount'],
      maxReplicas: spec?.['maxReplicaCount'],
    },
  })
}

/** The newest brokers, and everything behind them. */
async function playAll(): Promise<void> {
  for (const part of engineParts) await playPods(namespace, `statefulset/orders-${part}`)
  for (const part of deployedParts) await playPods(namespace, `deployment/orders-${part}`)
}

test('missing CRDs hold up nothing but the scaling; the writer gets its floor', async () => {
  const autoscaling = { mode: 'Lag', maxReplicas: 4 }
  await create('orders', { ...smallestSpec, className, writer: { autoscaling } })
  for (const part of engineParts) await settled(() => playPods(namespace, `statefulset/orders-${part}`))
  await settled(() => playMigration(namespace))
  await settled(async () => {
    await playAll()
    expect(await writers()).toBe('2')
    expect(await condition('orders', 'WriterReady')).toMatch(/^True/)
    expect(await condition('orders', 'Scaling')).toMatch(
      /^False\/KindMissing .*ScaledObject of KEDA \(scaledobjects\.keda\.sh, v1alpha1\): install KEDA, 2\.17 or newer/,
    )
    expect(await condition('orders', 'Stalled')).toMatch(/^True\/KindMissing/)
  })
})

test('with them KEDA is asked for it, as a user who sees the lag alone', async () => {
  await kubectl(['apply', '--server-side', ...definitions.flatMap(file => ['-f', file])])
  await settled(async () => {
    expect(await names(scaledObjects)).toEqual(['scaledobject.keda.sh/orders-writer'])
    expect(await names(accesses)).toEqual(['triggerauthentication.keda.sh/orders-writer'])
  })
  const { spec } = await scaler()
  expect(spec).toMatchObject({ minReplicaCount: 2, maxReplicaCount: 4 })
  expect(spec?.['triggers']).toMatchObject([
    {
      metadata: { lagThreshold: '5000', topic: `${namespace}.orders.events`, sasl: 'scram_sha512' },
      authenticationRef: { name: 'orders-writer' },
    },
  ])
  const access = await read<ObservedChild>(`${accesses}/orders-writer`)
  expect(access.spec?.['secretTargetRef']).toMatchObject([
    { parameter: 'username', name: 'orders-binding-writer-scaler' },
    { parameter: 'password', name: 'orders-binding-writer-scaler' },
  ])
  const secret = await read<{ data: object }>('secret/orders-binding-writer-scaler')
  expect(Object.keys(secret.data)).not.toContain('groupPrefix')
  await settled(async () => {
    await playAll()
    expect(await condition('orders', 'ConsumersReady')).toMatch(/^True\/Ready .*writer-scaler by Secret/)
  })
  expect(operator.topics.passwords.size).toBe(1)
  await settled(async () =>
    expect(await condition('orders', 'Scaling')).toMatch(/^False\/ScalerNotReady .*KEDA has not looked/),
  )
})

test('what KEDA says is told, and its autoscaler is nobody else’s: no number is written beside it', async () => {
  await autoscaler()
  await says('False', 'TriggerError', 'client has run out of available brokers')
  await settled(async () =>
    expect(await condition('orders', 'Scaling')).toMatch(
      /^False\/ScalerNotReady ScaledObject orders-writer: TriggerError: client has run out of available brokers/,
    ),
  )
  await says('True', 'ScaledObjectReady', 'ready')
  const before = await numbersWritten()
  await scale(4) // as its autoscaler would
  await settled(async () => {
    await playAll()
    expect(await condition('orders', 'Scaling')).toMatch(
      /^True.*writer: ScaledObject orders-writer of KEDA, 2 to 4 with 5000/,
    )
    expect(await condition('orders', 'Ready')).toMatch(/^True/)
  })
  expect(await writers()).toBe('4')
  expect(await numbersWritten()).toBe(before)
})

test('at rest nothing is asked of KEDA again', async () => {
  const asked = async () =>
    (await operatorRequests(namespace)).filter(
      ({ objectRef, verb }) =>
        verb === 'patch' && ['scaledobjects', 'triggerauthentications'].includes(objectRef?.resource ?? ''),
    ).length
  const before = await asked()
  expect(before).toBe(2)
  await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/plan=true')
  await settled(async () => expect(await condition('orders', 'Planned')).toContain('nothing would change'))
  await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/plan-')
  await says('True', 'ScaledObjectReady', 'again')
  await settled(async () => expect(await condition('orders', 'Ready')).toMatch(/^True/))
  expect(await asked()).toBe(before)
})

test('it ends while the service hibernates, and begins again', async () => {
  await patch('dsvc/orders', { spec: { lifecycle: 'Hibernated' } })
  await settled(async () => expect(await names(scaledObjects)).toEqual([]))
  await inNamespace('delete', 'hpa/keda-hpa-orders-writer') // as garbage collection does
  await patch('dsvc/orders', { spec: { lifecycle: 'Running' } })
  await settled(async () => expect(await names(scaledObjects)).toHaveLength(1))
  expect(await writers()).toBe('4')
})

test('back to the operator: no number is written before what KEDA made has gone, then it goes on from there', async () => {
  await autoscaler()
  await settled(async () => {
    await playAll()
    expect(await condition('orders', 'Ready')).toMatch(/^True/)
  })
  const before = await numbersWritten()
  await patch('dsvc/orders', { spec: { writer: { autoscaling: { by: 'Operator', maxReplicas: 3 } } } })
  await settled(async () => {
    expect(await names(scaledObjects)).toEqual([])
    expect(await condition('orders', 'Scaling')).toContain(
      'writer: HorizontalPodAutoscaler keda-hpa-orders-writer',
    )
  })
  expect(await numbersWritten()).toBe(before)
  expect(await writers()).toBe('4')
  await inNamespace('delete', 'hpa/keda-hpa-orders-writer') // as garbage collection does
  await settled(async () => expect(await writers()).toBe('3'))
  await settled(async () => {
    await playAll()
    expect(operator.topics.passwords.size).toBe(0)
    expect(await names(accesses)).toEqual([])
  })
})

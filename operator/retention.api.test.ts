/**
 * What outlives a DataService, against a real API server. Garbage collection and pods do not exist here: the owner
 * references are what is asserted, and statuses are played.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { heldBrokersFile } from './desired/engines/engine.ts'
import { type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'
import { patchStatus, playPods } from './testing/played.ts'
import { refusedPod } from './testing/refused-pod.ts'

interface Stored {
  kind: string
  metadata: {
    name: string
    uid: string
    annotations?: Record<string, string>
    ownerReferences?: { uid: string; kind: string }[]
  }
  data?: Record<string, string>
}

const patience = 20_000
let namespace = ''
let operator: RunningOperator
beforeAll(async () => {
  namespace = await newNamespace('retention')
  operator = await runOperator(namespace)
})
afterAll(() => operator.stop())

const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const read = async <T = Stored>(what: string): Promise<T> =>
  JSON.parse(await inNamespace('get', what, '-o', 'json')) as T
const apply = (object: object): Promise<string> =>
  kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(object) })
const service = (name = 'orders', spec: object = smallestSpec) =>
  apply({ apiVersion: 'dataservice.dev/v1alpha1', kind: 'DataService', metadata: { name }, spec })
const ownersOf = async (what: string): Promise<string[]> =>
  ((await read(what)).metadata.ownerReferences ?? []).map(({ kind }) => kind)
const markOf = async (): Promise<string | undefined> =>
  (await read('secret/orders-identity')).metadata.annotations?.['dataservice.dev/initialised']
const heldBrokers = async (): Promise<string> =>
  (await read<{ data: Record<string, string> }>('configmap/orders-kafka-config')).data[heldBrokersFile] ?? ''
async function condition(name: string, type: string): Promise<string> {
  const { status } = await read<DataService>(`dsvc/${name}`)
  const found = status?.conditions?.find(each => each.type === type)
  return found === undefined ? 'absent' : `${found.status}/${found.reason}: ${found.message}`
}

const ownedKinds =
  'serviceaccounts,configmaps,services,poddisruptionbudgets,networkpolicies,statefulsets,jobs,deployments'
const secrets = ['secret/orders-identity', 'secret/orders-credentials']

describe('with Retain', () => {
  test('only the two Secrets have no owner, and volumes do not follow their StatefulSet', async () => {
    await service()
    await settledIn(patience, async () => {
      for (const part of ['kafka', 'postgres']) {
        const set = await read<{ spec: Record<string, unknown> }>(`statefulset/orders-${part}`)
        expect(set.spec['persistentVolumeClaimRetentionPolicy']).toEqual({
          whenDeleted: 'Retain',
          whenScaled: 'Retain',
        })
        expect(set.spec['volumeClaimTemplates']).toMatchObject([
          { metadata: { annotations: { 'dataservice.dev/retained': `${namespace}/orders` } } },
        ])
      }
    })
    const label = 'app.kubernetes.io/instance=orders'
    const { items } = JSON.parse(
      await inNamespace('get', `secrets,${ownedKinds}`, '-l', label, '-o', 'json'),
    ) as {
      items: Stored[]
    }
    const kept = items.filter(({ metadata }) => metadata.ownerReferences === undefined)
    expect(kept.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      'Secret orders-credentials',
      'Secret orders-identity',
    ])
  })

  test('the first Ready of a part is recorded where it outlives the resource', async () => {
    expect(await heldBrokers()).toBe('0\n')
    for (const part of ['kafka', 'postgres']) await playPods(namespace, `statefulset/orders-${part}`)
    await settledIn(patience, async () => expect(await markOf()).toBe('kafka,postgres'))
    await settledIn(patience, async () => expect(await heldBrokers()).toBe('1\n'))
  })

  test('a re-created one takes over the Secrets and knows at once what held data', async () => {
    const before = await Promise.all(secrets.map(read))
    await inNamespace('delete', 'dsvc/orders')
    await service()
    await settledIn(patience, async () =>
      expect(await condition('orders', 'Ready')).toContain('False/Creating'),
    )
    // What is still there of the one before is on its way out, and nobody's business.
    expect(await condition('orders', 'Stalled')).toContain('False/Healthy')
    // Garbage collection, played.
    await inNamespace('delete', ownedKinds, '-l', 'app.kubernetes.io/instance=orders')
    await settledIn(patience, async () => expect(await heldBrokers()).toBe('1\n'))
    const after = await Promise.all(secrets.map(read))
    expect(after.map(({ data }) => data)).toEqual(before.map(({ data }) => data))
    expect(after.map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid))
  })
})

describe('a change of the policy on a living resource', () => {
  const setPolicy = (deletionPolicy: string) =>
    inNamespace('patch', 'dsvc/orders', '--type=merge', '-p', JSON.stringify({ spec: { deletionPolicy } }))
  const whenDeleted = (part: string) =>
    inNamespace(
      'get',
      `statefulset/orders-${part}`,
      '-o',
      'jsonpath={.spec.persistentVolumeClaimRetentionPolicy.whenDeleted}',
    )

  test('to Delete: Secrets and volumes go with it; back to Retain: they stay again', async () => {
    for (const [policy, owners] of [
      ['Delete', ['DataService']],
      ['Retain', []],
      ['Delete', ['DataService']],
    ] as const) {
      await setPolicy(policy)
      await settledIn(patience, async () => {
        for (const secret of secrets) expect(await ownersOf(secret)).toEqual(owners)
        for (const part of ['kafka', 'postgres']) expect(await whenDeleted(part)).toBe(policy)
      })
      expect(await markOf()).toBe('kafka,postgres')
    }
    await setPolicy('Retain')
    await settledIn(patience, async () => expect(await ownersOf('secret/orders-identity')).toEqual([]))
  })

  test('another word is refused', async () => {
    await expect(setPolicy('Keep')).rejects.toThrow('Unsupported value: "Keep"')
  })
})

describe('a volume that was emptied', () => {
  /** Plays the kubelet: the pod of the one broker has ended with this message. */
  async function playLoss(): Promise<void> {
    await playPods(namespace, 'statefulset/orders-kafka', 0)
    const message = 'VolumeLost: the volume of orders-kafka-0 is empty'
    const { status: _, metadata, ...pod } = refusedPod('kafka', message)
    const { uid: __, ...named } = metadata
    const container = { name: 'kafka', image: 'example.test/kafka' }
    const spec = {
      serviceAccountName: 'orders-kafka',
      automountServiceAccountToken: false,
      containers: [container],
    }
    await apply({ ...pod, metadata: { ...named, namespace }, spec })
    const state = { waiting: { reason: 'CrashLoopBackOff' } }
    const lastState = { terminated: { exitCode: 1, message } }
    await patchStatus(namespace, 'pod/orders-kafka-0', {
      containerStatuses: [{ ...container, ready: false, restartCount: 1, imageID: '', state, lastState }],
    })
  }

  test('is a loss with a remedy, and the remedy counts once', async () => {
    await playLoss()
    await settledIn(patience, async () => {
      expect(await condition('orders', 'LogReady')).toContain('False/VolumeLost')
      expect(await condition('orders', 'Stalled')).toContain('dataservice.dev/reinitialise=kafka')
    })
    expect(await heldBrokers()).toBe('1\n')
    await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/reinitialise=kafka')
    await settledIn(patience, async () => {
      expect(await heldBrokers()).toBe('0\n')
      expect(await markOf()).toBe('postgres')
      expect(await inNamespace('get', 'pods', '-o', 'name')).toBe('') // a new one starts anew at once
    })
    await playPods(namespace, 'statefulset/orders-kafka')
    await settledIn(patience, async () => {
      expect(await heldBrokers()).toBe('1\n')
      expect(await markOf()).toBe('kafka,postgres')
    })
    await playLoss()
    await settledIn(patience, async () =>
      expect(await condition('orders', 'LogReady')).toContain('was used already'),
    )
    expect(await heldBrokers()).toBe('1\n')
  })
})

test('a volume of somebody else is reported and never mounted', async () => {
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data-taken-postgres-0' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }
  await apply(claim)
  await service('taken')
  await settledIn(patience, async () => {
    const stalled = await condition('taken', 'Stalled')
    expect(stalled).toContain('True/NotOwned')
    expect(stalled).toContain('data-taken-postgres-0')
  })
  expect(await inNamespace('get', 'statefulset/taken-postgres', '--ignore-not-found', '-o', 'name')).toBe('')
  await inNamespace('delete', 'dsvc/taken')
})

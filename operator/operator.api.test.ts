/** The operator as a whole against a real API server. Pods do not exist here: their controllers' statuses are played. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { stopText } from '#dataservice/contract/writer-stops.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { kindsOfOthers } from './desired/kinds-of-others.ts'
import { childLabels } from './desired/labels.ts'
import { inMemoryReadiness } from './pods/in-memory.ts'
import { operatorRules } from './rbac.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestManifest, smallestSpec } from './testing/data-service.ts'
import { playMigration as playMigrationIn, playPods as playPodsIn } from './testing/played.ts'

let namespace = ''
let operator: RunningOperator
const readiness = inMemoryReadiness()
beforeAll(async () => {
  namespace = await newNamespace('operator')
  operator = await runOperator(namespace, readiness)
})
afterAll(() => operator.stop())

const patience = 20_000
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const read = async (what: string): Promise<unknown> =>
  JSON.parse(await inNamespace('get', what, '-o', 'json'))
const exists = async (what: string): Promise<boolean> =>
  (await inNamespace('get', what, '--ignore-not-found', '-o', 'name')) !== ''

async function ready(): Promise<DataService['status']> {
  return ((await read('dsvc/orders')) as DataService).status
}
async function condition(type: string): Promise<string> {
  const found = (await ready())?.conditions?.find(each => each.type === type)
  return found === undefined ? 'absent' : `${found.status}/${found.reason}`
}

const playPods = (what: string) => playPodsIn(namespace, what)
const playMigration = () => playMigrationIn(namespace)

const requires = (required: string[]) => ({ spec: { record: { schema: { required } } } })

/** Children that an ordinary life neither removes nor looks at one by one. */
const quietKinds = [
  'cronjobs',
  'deployments',
  'horizontalpodautoscalers',
  'jobs',
  'networkpolicies',
  'poddisruptionbudgets',
  'serviceaccounts',
  'services',
  'statefulsets',
]

/** What an ordinary life does not need, and why it is granted all the same. */
const calledForLater = [
  // children that nothing asks for any more, or that have to be made anew
  ...['configmaps', ...quietKinds].map(each => `delete ${each}`),
  'get dataservices', // before something is removed
  'patch dataservices', // it is held at its deletion where something at engines of others goes with it
  'delete secrets', // an authority that nobody trusts any more
  'patch jobs', // somebody took its labels away
  // whose is the one that has the name already
  ...quietKinds.map(each => `get ${each}`),
  'list events', // why a workload makes no pods
  'delete pods', // brokers are restarted one by one
  'patch pods', // replicas of Postgres are told by a label
  'patch persistentvolumeclaims', // volumes grow
  // somebody asks for something to be done once
  ...['delete dataserviceoperations', 'get dataserviceoperations', 'patch dataserviceoperations/status'],
  'update dataservices/finalizers', // OpenShift asks for it
]

describe('one DataService', () => {
  test('its engines come first', async () => {
    await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: smallestManifest })
    await settledIn(patience, async () => {
      for (const part of ['kafka', 'postgres', 'redis'])
        expect(await exists(`statefulset/orders-${part}`)).toBe(true)
      expect(await condition('Ready')).toBe('False/PodsNotReady')
    })
    expect(await exists('deployment/orders-gateway')).toBe(false)
  })

  test('the migration follows Postgres, and the pods follow the migration and the topics', async () => {
    for (const part of ['kafka', 'postgres', 'redis']) await playPods(`statefulset/orders-${part}`)
    await settledIn(patience, async () =>
      expect(await inNamespace('get', 'jobs', '-o', 'name')).toContain('orders-migrate-'),
    )
    expect(await exists('deployment/orders-gateway')).toBe(false)
    await playMigration()
    await settledIn(patience, async () => {
      const replicas = await inNamespace(
        'get',
        'deployments',
        '-o',
        'jsonpath={range .items[*]}{.metadata.name}={.spec.replicas} {end}',
      )
      expect(replicas.trim().split(' ').sort()).toEqual([
        'orders-gateway=3',
        'orders-reader=3',
        'orders-writer=2',
      ])
    })
    for (const part of ['gateway', 'writer', 'reader']) await playPods(`deployment/orders-${part}`)
    await settledIn(patience, async () => expect(await condition('Ready')).toBe('True/Ready'))
  })

  test('a ready one causes no request at all', async () => {
    const before = await quietAudit()
    await kubectl(['-n', namespace, 'annotate', 'dsvc/orders', 'example.test/note=1']) // wakes the loop once
    const after = await quietAudit()
    expect(after.slice(before.length).map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([])
  })

  test('kubectl scale sets the number of gateway pods through the scale subresource', async () => {
    await inNamespace('scale', 'dsvc/orders', '--replicas=5')
    await settledIn(patience, async () => {
      expect(await inNamespace('get', 'deployment/orders-gateway', '-o', 'jsonpath={.spec.replicas}')).toBe(
        '5',
      )
    })
    await playPods('deployment/orders-gateway')
    await settledIn(patience, async () => expect((await ready())?.replicas).toBe(5))
    const managers = await inNamespace(
      'get',
      'deployment/orders-gateway',
      '-o',
      'json',
      '--show-managed-fields',
    )
    const applied = (
      JSON.parse(managers) as { metadata: { managedFields: { operation: string; fieldsV1: unknown }[] } }
    ).metadata
    const byApply = applied.managedFields.filter(({ operation }) => operation === 'Apply')
    expect(byApply).not.toHaveLength(0)
    expect(JSON.stringify(byApply)).not.toContain('f:replicas"')
  })

  test('drift is put back, additions by others stay', async () => {
    await inNamespace('delete', 'service/orders-gateway')
    await inNamespace(
      'patch',
      'configmap/orders-settings',
      '--type=merge',
      '-p',
      '{"data":{"settings.json":"{}"},"metadata":{"labels":{"theirs":"1"}}}',
    )
    await settledIn(10_000, async () => {
      expect(await exists('service/orders-gateway')).toBe(true)
      expect(
        await inNamespace('get', 'configmap/orders-settings', '-o', 'jsonpath={.data.settings\\.json}'),
      ).toContain('orders.events')
    })
    expect(
      await inNamespace('get', 'configmap/orders-settings', '-o', 'jsonpath={.metadata.labels.theirs}'),
    ).toBe('1')
  })

  test('a partition that a writer stopped is told with its reason, and goes when the writer is well', async () => {
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'orders-writer-x', labels: childLabels('orders', 'writer') },
      spec: { serviceAccountName: 'orders-writer', containers: [{ name: 'writer', image: 'x:1' }] },
    }
    const address = '10.1.2.3'
    const text = stopText({ partition: 2, reason: 'LogGap', detail: 'the log starts at 9' })
    readiness.says.set(address, { ready: false, text })
    await kubectl(['-n', namespace, 'create', '-f', '-'], { input: JSON.stringify(manifest) })
    const conditions = [{ type: 'Ready', status: 'False' }]
    const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }], conditions }
    const patch = (what: string, change: object) =>
      inNamespace(
        'patch',
        what,
        '--subresource=status',
        '--type=merge',
        '-p',
        JSON.stringify({ status: change }),
      )
    await patch('deployment/orders-writer', { readyReplicas: 1, availableReplicas: 1 })
    await patch('pod/orders-writer-x', status)
    await settledIn(patience, async () => expect(await condition('Stalled')).toBe('True/LogGap'))
    expect(await condition('WriterReady')).toBe('False/LogGap')
    await inNamespace('delete', 'pod/orders-writer-x', '--force', '--grace-period=0')
    await playPods('deployment/orders-writer')
    await settledIn(patience, async () => expect(await condition('Ready')).toBe('True/Ready'))
  })

  test('a schema that earlier records may not match is Stalled with its place, and undoing it goes on', async () => {
    const requiring = (fields: string[]) =>
      inNamespace('patch', 'dsvc/orders', '--type=merge', '-p', JSON.stringify(requires(fields)))
    await requiring(['customerId', 'amount', 'status'])
    await settledIn(patience, async () => expect(await condition('Stalled')).toBe('True/RecordRefused'))
    const stalled = (await ready())?.conditions?.find(({ type }) => type === 'Stalled')
    expect(stalled?.message).toContain('spec.record/schema/required/2')
    expect(
      await inNamespace('get', 'configmap/orders-settings', '-o', 'jsonpath={.data.settings\\.json}'),
    ).toContain('"required":["customerId","amount"]')
    await requiring(['customerId', 'amount'])
    await settledIn(patience, async () => expect(await condition('Ready')).toBe('True/Ready'))
  })

  test('a record that cannot be used is Stalled with its field, and the pods stay', async () => {
    const before = await inNamespace(
      'get',
      'deployment/orders-writer',
      '-o',
      'jsonpath={.metadata.generation}',
    )
    await inNamespace(
      'patch',
      'dsvc/orders',
      '--type=merge',
      '-p',
      '{"spec":{"record":{"indexes":[{"fields":["/nowhere"]}]}}}',
    )
    await settledIn(patience, async () => expect(await condition('Stalled')).toBe('True/RecordRefused'))
    const stalled = (await ready())?.conditions?.find(({ type }) => type === 'Stalled')
    expect(stalled?.message).toContain('spec.record/indexes/0/fields/0')
    expect(
      await inNamespace('get', 'deployment/orders-writer', '-o', 'jsonpath={.metadata.generation}'),
    ).toBe(before)
  })

  test('a name that somebody else has is reported and never taken over', async () => {
    const foreign = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'taken-kafka-config' },
      data: { theirs: '1' },
    }
    await kubectl(['-n', namespace, 'create', '-f', '-'], { input: JSON.stringify(foreign) })
    const manifest = {
      apiVersion: 'dataservice.dev/v1alpha1',
      kind: 'DataService',
      metadata: { name: 'taken' },
      spec: smallestSpec,
    }
    await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(manifest) })
    await settledIn(patience, async () => {
      const { status } = (await read('dsvc/taken')) as DataService
      const stalled = status?.conditions?.find(({ type }) => type === 'Stalled')
      expect(`${stalled?.status}/${stalled?.reason}`).toBe('True/NotOwned')
      expect(stalled?.message).toContain('taken-kafka-config')
    })
    expect(await inNamespace('get', 'configmap/taken-kafka-config', '-o', 'jsonpath={.data}')).toBe(
      '{"theirs":"1"}',
    )
    await inNamespace('delete', 'dsvc/taken')
  })

  test('nothing was refused for a missing permission, and no Secret was ever listed or watched', async () => {
    const requests = await operatorRequests(namespace)
    expect(requests.length).toBeGreaterThan(20)
    const forbidden = requests.filter(({ responseStatus }) => responseStatus?.code === 403)
    expect(forbidden.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([])
    const secrets = requests.filter(({ objectRef }) => objectRef?.resource === 'secrets')
    expect([...new Set(secrets.map(({ verb }) => verb))].sort()).toEqual(['create', 'get', 'patch'])
  })

  test('what is granted is used, but for what only damage, removal and other modes call for', async () => {
    const requests = await operatorRequests(namespace)
    const used = new Set(
      requests.flatMap(({ verb, objectRef }) => {
        const { resource = '', subresource } = objectRef ?? {}
        const what = subresource === undefined ? resource : `${resource}/${subresource}`
        // A watch that still runs is not in the log yet; an apply that makes an object needs both rights.
        return [
          `${verb} ${what}`,
          ...(verb === 'list' ? [`watch ${what}`] : []),
          ...(verb === 'patch' ? [`create ${what}`] : []),
        ]
      }),
    )
    // Kinds of others are used where their CRDs are installed, which other files do.
    const ofOthers: string[] = Object.values(kindsOfOthers).map(({ plural }) => plural)
    const granted = operatorRules().flatMap(({ resources, verbs }) =>
      resources
        .filter(what => !ofOthers.includes(what))
        .flatMap(what => verbs.map(verb => `${verb} ${what}`)),
    )
    expect(granted.filter(each => !used.has(each) && !calledForLater.includes(each))).toEqual([])
    expect(calledForLater.filter(each => !granted.includes(each))).toEqual([])
  })
})

/** The operator's requests but watches, once no new one came in four looks half a second apart. */
async function quietAudit() {
  let [last, looks] = [-1, 0]
  return settledIn(patience, async () => {
    const requests = (await operatorRequests(namespace)).filter(({ verb }) => verb !== 'watch')
    looks = requests.length === last ? looks + 1 : 0
    last = requests.length
    expect(looks).toBe(3)
    return requests
  })
}

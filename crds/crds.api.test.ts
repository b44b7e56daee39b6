import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { kubectl, newNamespace, refusalOf } from '#e2e/control-plane/inject.ts'
import { smallestSpec as smallest } from '#operator/testing/data-service.ts'
import { root } from '#tools/workspace.ts'
import { dataServiceClassSchema, dataServiceSchema, operationSchema } from './definition.ts'
import { parseDataService } from './v1alpha1/resource.ts'

const autoscaling = { mode: 'CPU', maxReplicas: 50, targetCPUUtilization: 70 }

type Spec = Record<string, unknown>
let namespace = ''

beforeAll(async () => {
  namespace = await newNamespace('crds')
})

const manifest = (name: string, spec: Spec) => ({
  input: stringify({
    apiVersion: 'dataservice.dev/v1alpha1',
    kind: 'DataService',
    metadata: { name, namespace },
    spec,
  }),
})
const apply = ['apply', '--validate=strict', '-f', '-']
const create = (name: string, spec: Spec) => kubectl(apply, manifest(name, spec))
const inNamespace = (...args: string[]) => kubectl(['--namespace', namespace, ...args])

test.each([
  ['dataservices', dataServiceSchema],
  ['dataserviceclasses', dataServiceClassSchema],
  ['dataserviceoperations', operationSchema],
])('the API server takes the CRD of %s as structural and keeps every keyword of it', async (name, schema) => {
  const crd = JSON.parse(await kubectl(['get', 'crd', `${name}.dataservice.dev`, '-o', 'json']))
  const refused = crd.status.conditions.filter((each: { status: string; type: string }) =>
    each.type === 'NonStructuralSchema' ? each.status === 'True' : each.status !== 'True',
  )
  expect(refused).toEqual([])
  expect(crd.spec.versions[0].schema.openAPIV3Schema).toEqual(schema())
})

test('the smallest resource gets every default', async () => {
  await create('smallest', smallest)
  const stored = parseDataService(JSON.parse(await inNamespace('get', 'dsvc', 'smallest', '-o', 'json')))
  expect(stored.spec).toEqual({
    ...smallest,
    record: { ...smallest.record, mode: 'Append' },
    lifecycle: 'Running',
    deletionPolicy: 'Retain',
    replicas: 3,
    gateway: { autoscaling, maxBodyBytes: 10_485_760 },
    writer: { onError: 'DeadLetter', autoscaling: { ...autoscaling, mode: 'Off' } },
    reader: { autoscaling },
    kafka: { topic: { partitions: 6, retention: '7d' } },
    postgres: { partitioning: {} },
    redis: {},
    security: {},
    networkPolicy: { mode: 'Ingress', allowFrom: [], egress: [] },
  })
})

test('a resource that uses every field is taken as it is', async () => {
  const pod = {
    imagePullSecrets: [{ name: 'registry' }],
    nodeSelector: { disk: 'ssd' },
    tolerations: [
      { key: 'dedicated', operator: 'Equal', value: 'data', effect: 'NoExecute', tolerationSeconds: 60 },
    ],
    priorityClassName: 'high',
    labels: { 'cost-centre': 'sales' },
    annotations: { 'example.org/note': 'text' },
    serviceAccountAnnotations: { 'example.org/role': 'writer' },
  }
  const resources = { requests: { cpu: 1, memory: '512Mi' }, limits: { cpu: '1500m', memory: '1Gi' } }
  const block = { resources, pod }
  const storage = { size: '20Gi', className: 'fast' }
  const callers = {
    authentication: {
      jwt: {
        issuer: 'https://login.example.com/',
        audiences: ['https://orders.example.com'],
        algorithms: ['ES256'],
        jwksSecretRef: { name: 'issuer', key: 'keys.json' },
      },
      apiKeys: { secretRef: { name: 'callers' } },
    },
    authorization: { scopes: { prefix: 'orders:' }, keyClaim: 'customer_id' },
    rateLimit: { requests: 100, per: 'Minute' },
    cors: { origins: ['https://shop.example.com'] },
    maxBodyBytes: 1_048_576,
  }
  const spec = {
    ...smallest,
    className: 'production',
    record: {
      ...smallest.record,
      mode: 'Append',
      indexes: [{ fields: ['/customerId', '/status'] }, { fields: ['/amount'], use: 'Range' }],
    },
    lifecycle: 'Hibernated',
    deletionPolicy: 'Delete',
    replicas: 5,
    gateway: { autoscaling: { ...autoscaling, maxReplicas: 9 }, ...callers, ...block },
    writer: { autoscaling: { ...autoscaling, mode: 'Lag' }, replicas: 3, onError: 'HoldKey', ...block },
    reader: { autoscaling: { ...autoscaling, targetCPUUtilization: 50 }, replicas: 4, ...block },
    kafka: {
      managed: { brokers: 1, storage, ...block },
      topic: { partitions: 12, retention: '36h' },
    },
    postgres: {
      managed: { instances: 1, storage, ...block },
      partitioning: { by: 'Time', interval: 'Month', retain: '730d', premake: 3 },
    },
    redis: { managed: block },
    security: { tls: 'Internal' },
    networkPolicy: {
      mode: 'Strict',
      allowFrom: [{ parts: ['kafka'], namespaceLabels: { team: 'billing' }, podLabels: { app: 'ledger' } }],
      egress: [{ ports: [443], cidr: '192.0.2.0/24' }],
    },
  }
  await create('everything', spec)
  const stored = JSON.parse(await inNamespace('get', 'dsvc', 'everything', '-o', 'json'))
  expect(stored.spec).toEqual(spec)
})

test('an external Redis needs a host and gets its port', async () => {
  const tls = { caSecretRef: { name: 'cache-ca' } }
  await create('elsewhere', { ...smallest, redis: { external: { host: 'cache.example.com', tls } } })
  const stored = JSON.parse(await inNamespace('get', 'dsvc', 'elsewhere', '-o', 'json'))
  expect(stored.spec.redis).toEqual({
    external: {
      host: 'cache.example.com',
      port: 6379,
      tls: { caSecretRef: { name: 'cache-ca', key: 'ca.crt' } },
    },
  })
})

test('a natural id stands in the spec as it was written; how the table is cut follows from it', async () => {
  await create('natural', { record: { ...smallest.record, id: '/customerId' } })
  const stored = parseDataService(JSON.parse(await inNamespace('get', 'dsvc', 'natural', '-o', 'json')))
  expect(stored.spec.record.id).toBe('/customerId')
  expect(stored.spec.postgres.partitioning).toEqual({})
  const explained = (await kubectl(['explain', 'dsvc.spec.postgres.partitioning.by'])).replace(/\s+/g, ' ')
  expect(explained).toContain('Default: Hash with record.id or mode Upsert, else Time.')
})

test.each(['flights', 'earthquakes', 'class-production'])('the sample %s is accepted', async name => {
  const file = join(root, 'config', 'samples', `${name}.yaml`)
  await kubectl(['apply', '--validate=strict', '-f', file])
  if (name.startsWith('class-')) await kubectl(['delete', '-f', file]) // a default class would be that of other tests
})

test('what a class may decide may come and go; the operator tells whether it fits what runs', async () => {
  const storage = { size: '20Gi', className: 'a' }
  await create('beside-a-class', { ...smallest, className: 'a' })
  const replace = (spec: Spec) => kubectl(['replace', '-f', '-'], manifest('beside-a-class', spec))
  await replace({ ...smallest, kafka: { managed: { brokers: 3, storage } } })
  await replace({ ...smallest, className: 'b' })
})

test('a field that does not exist is refused, so that a typing error is not silently ignored', async () => {
  const refusal = await refusalOf(apply, manifest('typo', { ...smallest, replica: 3 }))
  expect(refusal).toContain('unknown field "spec.replica"')
})

test('scale answers and sets the pods of the gateway', async () => {
  await create('scaled', smallest)
  await inNamespace('scale', 'dsvc/scaled', '--replicas=5')
  const status = { replicas: 4, selector: 'app.kubernetes.io/component=gateway' }
  await inNamespace(
    'patch',
    'dsvc',
    'scaled',
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status }),
  )
  const scale = JSON.parse(await inNamespace('get', 'dsvc', 'scaled', '--subresource=scale', '-o', 'json'))
  expect(scale.spec).toEqual({ replicas: 5 })
  expect(scale.status).toEqual(status)
})

test('kubectl get by the short name, and by the category, shows Ready, Replicas, Reason and Age', async () => {
  await create('shown', smallest)
  const ready = {
    type: 'Ready',
    status: 'False',
    reason: 'Progressing',
    message: 'GatewayReady: 2 of 3 pods are ready',
    lastTransitionTime: '2026-01-01T00:00:00Z',
    observedGeneration: 1,
  }
  const patch = JSON.stringify({ status: { replicas: 2, conditions: [ready] } })
  await inNamespace('patch', 'dsvc', 'shown', '--subresource=status', '--type=merge', '-p', patch)
  const [head, row] = (await inNamespace('get', 'dsvc', 'shown')).trim().split('\n')
  expect(head?.split(/\s+/)).toEqual(['NAME', 'READY', 'REPLICAS', 'REASON', 'AGE'])
  expect(row).toMatch(/^shown +False +2 +Progressing +\d+s$/)
  expect(await inNamespace('get', 'dataservices')).toContain('shown')
})

test('a second condition of the same type is refused', async () => {
  await create('twice', smallest)
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
    observedGeneration: 1,
  }
  const patch = JSON.stringify({ status: { conditions: [condition, condition] } })
  const args = [
    '--namespace',
    namespace,
    'patch',
    'dsvc',
    'twice',
    '--subresource=status',
    '--type=merge',
    '-p',
    patch,
  ]
  expect(await refusalOf(args)).toContain('Duplicate value')
})

test('kubectl explain teaches the fields of spec.record, and the published API describes every other', async () => {
  // The API server publishes a new CRD to clients a moment after it serves it.
  await expect.poll(published, { timeout: 30_000 }).toBeDefined()
  const described = descriptionsIn(await published())
  const wanted = [...descriptionsIn(dataServiceSchema().properties)]
  expect(wanted.filter(description => !described.has(description))).toEqual([])
  const explained = (await kubectl(['explain', 'dsvc.spec.record'])).replace(/\s+/g, ' ')
  expect(explained).toContain('FIELDS: id <string> JSON Pointer to the field that names a record for ever')
  expect(explained).toContain('key <string> JSON Pointer to the field that orders records')
  expect(explained).toContain('schema <Object> JSON Schema (2020-12) that every record must match')
})

async function published(): Promise<unknown> {
  const document = JSON.parse(await kubectl(['get', '--raw', '/openapi/v3/apis/dataservice.dev/v1alpha1']))
  return document.components?.schemas?.['dev.dataservice.v1alpha1.DataService']?.properties
}

function descriptionsIn(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set()
  const inner = Object.entries(value).flatMap(([key, each]) =>
    key === 'description' && typeof each === 'string' ? [each] : [...descriptionsIn(each)],
  )
  return new Set(inner)
}

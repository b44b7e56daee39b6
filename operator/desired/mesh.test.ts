import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { ofClass } from '#operator/testing/class.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { desiredChildren } from './children.ts'
import { isPlainObject } from './hash.ts'
import { destinationRules } from './mesh.ts'

const meshed = (spec: Parameters<typeof withSpec>[0] = {}) =>
  targetOf(dataService(withSpec({ security: { tls: 'Mesh' }, ...spec })))
const target = meshed()

/** `kind/name` of every child that makes pods, with the metadata of the pods. */
function podsOf(found: typeof target) {
  return desiredChildren(found).flatMap(({ kind, object }) => {
    const template = templateIn(object)
    return template === undefined ? [] : [{ workload: `${kind}/${object.metadata.name}`, ...template }]
  })
}

function templateIn(value: unknown): { labels: unknown; annotations: unknown } | undefined {
  if (!isPlainObject(value)) return undefined
  const { spec } = value
  if (!isPlainObject(spec)) return undefined
  const { template } = spec
  if (isPlainObject(template) && isPlainObject(template['metadata'])) {
    const { labels, annotations } = template['metadata']
    return { labels, annotations }
  }
  return templateIn(spec['jobTemplate'])
}

test('every pod asks for a proxy that starts before it and ends after it, Jobs and backups too', () => {
  const service = dataService(withSpec({ security: { tls: 'Mesh' }, backup: { schedule: '0 3 * * *' } }))
  const operation = { uid: '0b1c2d3e-4f50-4a6b', type: 'Backup' as const, restore: {}, isJobDue: true }
  const pods = podsOf({ ...targetOf(service), operation })
  expect(pods.length).toBe(11)
  for (const { workload, labels, annotations } of pods) {
    expect(labels, workload).toMatchObject({ 'sidecar.istio.io/inject': 'true' })
    expect(annotations, workload).toMatchObject({ 'sidecar.istio.io/nativeSidecar': 'true' })
  }
  expect(JSON.stringify(podsOf(targetOf(dataService())))).not.toContain('istio')
})

test('a class may leave it to the proxies of the nodes', () => {
  const pod = { labels: { 'sidecar.istio.io/inject': 'false', 'istio.io/dataplane-mode': 'ambient' } }
  const choice = ofClass({ security: { tls: 'Mesh' }, gateway: { pod } })
  const [gateway] = podsOf(targetOf(dataService(), [], choice)).filter(({ workload }) =>
    workload.endsWith('/orders-gateway'),
  )
  expect(gateway?.labels).toMatchObject(pod.labels)
})

test('the parts themselves are as without TLS, but for what a proxy reads of their Services', () => {
  const plain = desiredChildren(targetOf(dataService()))
  const services = desiredChildren(target).filter(({ kind }) => kind === 'Service')
  for (const { object } of services) {
    const text = JSON.stringify(object).replaceAll(/,"appProtocol":"(http|tcp)"/g, '')
    const before = plain.find(
      each => each.kind === 'Service' && each.object.metadata.name === object.metadata.name,
    )
    expect(text).toBe(JSON.stringify(before?.object))
    expect(JSON.stringify(object)).toContain('appProtocol')
  }
  const scripts = (found: typeof plain) =>
    found.filter(({ kind }) => kind === 'ConfigMap' && found).map(({ object }) => object)
  const engines = (found: typeof plain) =>
    scripts(found).filter(({ metadata }) => metadata.name !== 'orders-settings')
  expect(engines(desiredChildren(target))).toEqual(engines(plain))
  expect(target.settings.text).toBe(targetOf(dataService()).settings.text)
})

test('each Service that is asked has a rule; only pods that stand for each other are given a rest', () => {
  const rules = (found: typeof target) =>
    destinationRules(found).map(rule => [
      rule.metadata.name,
      JSON.stringify(rule).includes('outlierDetection'),
    ])
  expect(rules(meshed({ postgres: { managed: { instances: 2 } } }))).toEqual([
    ['orders-gateway', true],
    ['orders-reader', true],
    ['orders-kafka', false],
    ['orders-postgres', false],
    ['orders-postgres-rw', false],
    ['orders-postgres-ro', false],
    ['orders-redis', false],
  ])
  const external = { host: 'cache.test', port: 6379 }
  expect(JSON.stringify(rules(meshed({ redis: { external } })))).not.toContain('redis')
})

test('policies let proxies through: to each other, to their control plane, and to who measures them', async () => {
  const found = meshed({ networkPolicy: { mode: 'Strict' } })
  const text = desiredChildren({ ...found, operatorNamespace: 'dataservice-system' })
    .filter(({ kind, object }) => kind === 'NetworkPolicy' && /-(reader|kafka)$/.test(object.metadata.name))
    .map(({ object: { metadata, ...policy } }) =>
      stringify(
        { name: metadata.name, spec: 'spec' in policy ? policy.spec : undefined },
        { lineWidth: 0, aliasDuplicateObjects: false },
      ),
    )
    .join('---\n')
  await expect(text).toMatchFileSnapshot('./golden/mesh-network.yaml')
})

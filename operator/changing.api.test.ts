/** A DataService whose records change, against a real API server. Pods and Kafka's administration are played. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { parseSettings } from '#dataservice/contract/settings.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { engineParts } from './desired/names.ts'
import { type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'
import { playMigration, playPods } from './testing/played.ts'

let namespace = ''
let operator: RunningOperator
beforeAll(async () => {
  namespace = await newNamespace('changing')
  operator = await runOperator(namespace)
})
afterAll(() => operator.stop())

const patience = 20_000
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const { key: _, ...record } = smallestSpec.record
const manifest = (indexes: object[]) =>
  JSON.stringify({
    apiVersion: 'dataservice.dev/v1alpha1',
    kind: 'DataService',
    metadata: { name: 'orders' },
    spec: { record: { ...record, mode: 'Upsert', indexes } },
  })
const apply = (text: string) => kubectl(['-n', namespace, 'apply', '-f', '-'], { input: text })

async function condition(type: string): Promise<string> {
  const { status } = JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
  const found = status?.conditions?.find(each => each.type === type)
  return `${found?.status}/${found?.reason} ${found?.message}`
}

test('one whose record cannot be used is Stalled with its field, and none of our pods starts', async () => {
  await apply(manifest([{ fields: ['/nowhere'] }]))
  await settledIn(patience, async () => expect(await condition('Stalled')).toContain('True/RecordRefused'))
  expect(await condition('Stalled')).toContain('spec.record/indexes/0/fields/0')
  expect(await inNamespace('get', 'deployments,jobs', '-o', 'name')).toBe('')
})

test('once it is corrected it comes up: with a topic of changes, and a writer that may tell Redis', async () => {
  await apply(manifest([{ fields: ['/status'] }]))
  await settledIn(patience, async () => {
    for (const part of engineParts) await playPods(namespace, `statefulset/orders-${part}`)
  })
  await settledIn(patience, async () => playMigration(namespace))
  // Gateways may be rolled once more after the others.
  await settledIn(patience, async () => {
    for (const part of ['gateway', 'writer', 'reader']) await playPods(namespace, `deployment/orders-${part}`)
    expect(await condition('Ready')).toContain('True/Ready')
  })
  const text = await inNamespace('get', 'configmap/orders-settings', '-o', 'jsonpath={.data.settings\\.json}')
  const { log, partitioning } = parseSettings(text)
  expect(partitioning).toMatchObject({ by: 'Hash', history: { by: 'Time' } })
  const topics = await operator.topics.describe({ servers: [] }, Object.values(log).map(String))
  expect(topics.map(({ name, partitions }) => [name, partitions]).sort()).toEqual([
    [log.changesTopic, log.partitions],
    [log.deadLettersTopic, 1],
    [log.eventsTopic, log.partitions],
  ])
  const items = 'jsonpath={.spec.template.spec.volumes[?(@.name=="credentials")].secret.items[*].path}'
  expect(await inNamespace('get', 'deployment/orders-writer', '-o', items)).toBe(
    'postgres-password redis-password',
  )
})

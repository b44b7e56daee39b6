/** A plan before a change, by the program and by the annotation, against a real API server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { controlPlane, kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { run } from '#tools/shell.ts'
import { root } from '#tools/workspace.ts'
import { deployedParts, engineParts } from './desired/names.ts'
import { type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'
import { playMigration, playPods } from './testing/played.ts'

const patience = 20_000
let namespace = ''
let folder = ''
let operator: RunningOperator
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const settled = <T>(check: () => Promise<T>): Promise<T> => settledIn(patience, check)

const manifest = (spec: object, annotations = {}): string =>
  JSON.stringify({
    apiVersion: 'dataservice.dev/v1alpha1',
    kind: 'DataService',
    metadata: { name: 'orders', namespace, annotations },
    spec: { ...smallestSpec, ...spec },
  })

/** As a user calls it, with the kubeconfig of the control plane. */
async function plan(spec: object, ...args: string[]): Promise<string> {
  const file = join(folder, 'orders.json')
  await writeFile(file, manifest(spec))
  const { kubeconfig, kubectl: program } = controlPlane()
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: `${dirname(program)}:${process.env['PATH']}` }
  return run(process.execPath, [join(root, 'tools/plan.ts'), file, ...args], { env })
}

async function condition(type: string): Promise<string> {
  const { status } = JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
  const found = status?.conditions?.find(each => each.type === type)
  return found === undefined ? 'absent' : `${found.status}/${found.reason}: ${found.message}`
}

beforeAll(async () => {
  namespace = await newNamespace('plan')
  folder = await mkdtemp(join(tmpdir(), 'dataservice-plan-'))
  operator = await runOperator(namespace)
})
afterAll(async () => {
  await operator.stop()
  await rm(folder, { recursive: true, force: true })
})

test('before it exists: everything is created, and nothing is', async () => {
  const lines = await plan({})
  expect(lines).toContain(`${namespace}/orders`)
  expect(lines).toContain('creates: StatefulSet orders-kafka')
  expect(lines).not.toMatch(/changes|deletes|restarts|data:/)
  expect(await inNamespace('get', 'dsvc', '-o', 'name')).toBe('')
})

test('up and running, the same file changes nothing', async () => {
  await kubectl(['apply', '-f', '-'], { input: manifest({}) })
  for (const part of engineParts) await settled(() => playPods(namespace, `statefulset/orders-${part}`))
  await settled(() => playMigration(namespace))
  await settled(async () => {
    for (const part of deployedParts) await playPods(namespace, `deployment/orders-${part}`)
    expect(await condition('Ready')).toContain('True/Ready')
  })
  expect((await plan({})).trim().split('\n').slice(1)).toEqual(['  nothing would change'])
})

test('a change: whose pods restart, and what happens to data', async () => {
  const lines = await plan({
    kafka: { topic: { retention: '1d' } },
    redis: { managed: { resources: { limits: { memory: '512Mi' } } } },
  })
  expect(lines).toContain('data: the log keeps records for 1 days instead of 7 days')
  expect(lines).toContain('restarts: StatefulSet orders-redis (1 pod)')
  expect(lines).not.toContain('StatefulSet orders-postgres')
})

test('a new version of the operator: only what comes of its image', async () => {
  const lines = await plan({}, '--image', 'dataservice=example.test/dataservice:2')
  for (const part of deployedParts) expect(lines).toContain(`restarts: Deployment orders-${part} (`)
  expect(lines).toContain('changes: Deployment orders-reader: ')
  expect(lines).toContain('spec.template.spec.containers[reader].image')
  expect(lines).not.toContain('StatefulSet')
})

test('what the API server refuses is told in its words', async () => {
  await expect(plan({ kafka: { topic: { partitions: 3 } } })).rejects.toThrow(/partitions can only grow/)
})

test('the annotation holds the operator back and says what it would do; without it that is done', async () => {
  const change = { replicas: 5 }
  await kubectl(['apply', '-f', '-'], { input: manifest(change, { 'dataservice.dev/plan': 'true' }) })
  await settled(async () =>
    expect(await condition('Planned')).toContain(
      'True/PlanOnly: without the annotation dataservice.dev/plan: scales: Deployment orders-gateway from 3 to 5',
    ),
  )
  expect(await inNamespace('get', 'deployment/orders-gateway', '-o', 'jsonpath={.spec.replicas}')).toBe('3')
  await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/plan-')
  await settled(async () => {
    expect(await inNamespace('get', 'deployment/orders-gateway', '-o', 'jsonpath={.spec.replicas}')).toBe('5')
    expect(await condition('Planned')).toBe('absent')
  })
})

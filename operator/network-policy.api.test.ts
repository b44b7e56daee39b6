/** Every policy as the API server gives it back: nothing of what was meant may be lost on the way. Not enforced here. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { parts } from './desired/names.ts'
import { networkPolicy } from './desired/network-policy.ts'
import { type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestManifest } from './testing/data-service.ts'
import { targetOf } from './testing/target.ts'

const patience = 20_000
let namespace = ''
let operator: RunningOperator
beforeAll(async () => {
  namespace = await newNamespace('policies')
  operator = await runOperator(namespace)
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: smallestManifest })
})
afterAll(() => operator.stop())

const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const set = (policy: object): Promise<string> =>
  inNamespace(
    'patch',
    'dsvc/orders',
    '--type=merge',
    '-p',
    JSON.stringify({ spec: { networkPolicy: policy } }),
  )

interface Stored {
  metadata: { name: string; generation: number }
  spec: { podSelector: object; policyTypes: string[] }
}

async function stored(): Promise<Stored[]> {
  return JSON.parse(await inNamespace('get', 'networkpolicies', '-o', 'json')).items
}

/** What the builder makes of the resource as it is now. */
async function meant(): Promise<object> {
  const owner = JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
  const policies = [...parts, 'jobs' as const].map(part => networkPolicy(targetOf(owner), part))
  return Object.fromEntries(policies.flatMap(policy => (policy ? [[policy.metadata.name, policy.spec]] : [])))
}

async function expectAsMeant(count: number): Promise<void> {
  await settledIn(patience, async () => {
    const found = await stored()
    expect(found).toHaveLength(count)
    expect(Object.fromEntries(found.map(({ metadata, spec }) => [metadata.name, spec]))).toEqual(
      await meant(),
    )
  })
}

test('each part has its policy, and it is stored word for word', async () => {
  await expectAsMeant(parts.length + 1)
  const kafka = (await stored()).find(({ metadata }) => metadata.name === 'orders-kafka')
  expect(JSON.stringify(kafka?.spec)).toContain('"from":[{"podSelector"')
})

test('so are strict ones with guests and destinations', async () => {
  await set({
    mode: 'Strict',
    allowFrom: [
      { parts: ['kafka'], namespaceLabels: { 'kubernetes.io/metadata.name': 'billing' } },
      { parts: ['gateway', 'postgres'], cidr: '10.1.0.0/16' },
    ],
    egress: [{ ports: [443, 4317], namespaceLabels: {}, podLabels: { app: 'collector' } }],
  })
  await expectAsMeant(parts.length + 1)
  const reader = (await stored()).find(({ metadata }) => metadata.name === 'orders-reader')
  expect(JSON.stringify(reader?.spec)).toContain('"to":[{"podSelector"')
})

test('what somebody opens by hand is closed again, and at rest nothing is written', async () => {
  const open = { spec: { ingress: [{}] } }
  await inNamespace('patch', 'networkpolicy/orders-postgres', '--type=merge', '-p', JSON.stringify(open))
  await expectAsMeant(parts.length + 1)
  const before = (await stored()).map(({ metadata }) => metadata.generation)
  await inNamespace('annotate', 'dsvc/orders', 'example.test/note=1')
  await settledIn(patience, async () => {
    const { status, metadata } = JSON.parse(
      await inNamespace('get', 'dsvc/orders', '-o', 'json'),
    ) as DataService
    expect(status?.observedGeneration).toBe(metadata.generation)
  })
  expect((await stored()).map(({ metadata }) => metadata.generation)).toEqual(before)
})

test('with Off they go', async () => {
  await set({ mode: 'Off' })
  await settledIn(patience, async () => expect(await stored()).toEqual([]))
})

import { expect, test } from 'vitest'
import { isKind, type Kind } from '#operator/cluster/resources.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { upAndRunning } from '#operator/testing/world.ts'
import { keepingOf } from './keeping.ts'
import { ownerReference } from './labels.ts'

const owner = dataService()
const { children } = upAndRunning(owner)

const statusKept = (kind: Kind, status: Record<string, unknown>): unknown => {
  const metadata = { name: 'some', ownerReferences: [ownerReference(owner)] }
  return Reflect.get(keepingOf(kind).kept({ apiVersion: 'v1', kind, metadata, status }), 'status')
}

test('what the status of the whole is derived from is kept of every workload', () => {
  const workloads = children.filter(({ kind }) => ['StatefulSet', 'Deployment', 'Job'].includes(kind))
  expect(workloads.length).toBeGreaterThan(6)
  for (const { kind, status = {} } of workloads) {
    if (!isKind(kind)) throw new Error(`${kind} is no kind of ours`)
    expect(statusKept(kind, status)).toEqual(status)
  }
})

test('what others write for each other is not', () => {
  const status = { currentHealthy: 3, conditions: [{ type: 'DisruptionAllowed', status: 'True' }] }
  expect(statusKept('PodDisruptionBudget', status)).toEqual({})
  const pods = { readyReplicas: 2, collisionCount: 4, conditions: [] }
  expect(statusKept('Deployment', pods)).toEqual({ readyReplicas: 2, conditions: [] })
  expect(statusKept('Pod', status)).toEqual(status)
})

test('children stand together by their DataService, and autoscalers by the one that they move', () => {
  for (const child of children) {
    if (!isKind(child.kind)) throw new Error(`${child.kind} is no kind of ours`)
    expect(keepingOf(child.kind).shelving.groupOf?.(child)).toBe('orders')
  }
  const foreign = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'theirs', namespace: 'shop' },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'orders-writer' } },
  }
  expect(keepingOf('HorizontalPodAutoscaler').shelving.groupOf?.(foreign)).toBe('orders')
})

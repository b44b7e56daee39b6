import { expect, test } from 'vitest'
import { isKind } from '#operator/cluster/resources.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { upAndRunning } from '#operator/testing/world.ts'
import { keepingOf } from './keeping.ts'

const { children } = upAndRunning(dataService())

test('what the status of the whole is derived from is kept of every workload', () => {
  const workloads = children.filter(({ kind }) => ['StatefulSet', 'Deployment', 'Job'].includes(kind))
  expect(workloads.length).toBeGreaterThan(6)
  for (const { kind, status = {} } of workloads) {
    if (!isKind(kind)) throw new Error(`${kind} is no kind of ours`)
    expect(keepingOf(kind).keptStatus(status)).toEqual(status)
  }
})

test('what others write for each other is not', () => {
  const status = { currentHealthy: 3, conditions: [{ type: 'DisruptionAllowed', status: 'True' }] }
  expect(keepingOf('PodDisruptionBudget').keptStatus(status)).toEqual({})
  const pods = { readyReplicas: 2, collisionCount: 4, conditions: [] }
  expect(keepingOf('Deployment').keptStatus(pods)).toEqual({ readyReplicas: 2, conditions: [] })
  expect(keepingOf('Pod').keptStatus(status)).toEqual(status)
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

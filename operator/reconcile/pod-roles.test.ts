import { expect, test } from 'vitest'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf, upAndRunning } from '#operator/testing/world.ts'
import { decide } from './decide.ts'

const owner = (instances: number) => dataService(withSpec({ postgres: { managed: { instances } } }))

function pod(name: string, component: string, role?: string): ObservedChild {
  const labels = { 'app.kubernetes.io/component': component }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-of-${name}`,
      labels: role === undefined ? labels : { ...labels, 'dataservice.dev/role': role },
    },
  }
}

const pods = [
  pod('orders-postgres-0', 'postgres'),
  pod('orders-postgres-1', 'postgres'),
  pod('orders-postgres-2', 'postgres', 'replica'),
  pod('orders-redis-0', 'redis'),
]

const labelled = (instances: number) =>
  decide(factsOf({ ...upAndRunning(owner(instances)), pods })).steps.flatMap(step =>
    step.do === 'apply' && step.object.kind === 'Pod' ? [[step.object.metadata, step.uid]] : [],
  )

test('each pod of Postgres that is not told yet gets its role, and nothing else of it is written', () => {
  const role = (value: string) => ({ 'dataservice.dev/role': value })
  expect(labelled(3)).toEqual([
    [{ name: 'orders-postgres-0', namespace: 'shop', labels: role('primary') }, 'uid-of-orders-postgres-0'],
    [{ name: 'orders-postgres-1', namespace: 'shop', labels: role('replica') }, 'uid-of-orders-postgres-1'],
  ])
})

test('a primary alone needs no role', () => {
  expect(labelled(1)).toEqual([])
})

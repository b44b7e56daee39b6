import { describe, expect, test } from 'vitest'
import { autoscaler } from '#operator/testing/autoscaler.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { foreignAutoscalers, sameButFigures, scaleTarget } from './autoscalers.ts'
import { ownerReference } from './labels.ts'

describe('what an autoscaler moves', () => {
  const rows: [string, object, string | undefined][] = [
    [
      'the DataService',
      { apiVersion: 'dataservice.dev/v1alpha1', kind: 'DataService', name: 'orders' },
      'DataService orders gateway',
    ],
    [
      'another version of it',
      { apiVersion: 'dataservice.dev/v1', kind: 'DataService', name: 'orders' },
      'DataService orders gateway',
    ],
    [
      'a kind of the same name of somebody else',
      { apiVersion: 'other.dev/v1', kind: 'DataService', name: 'orders' },
      undefined,
    ],
    [
      'a Deployment of ours',
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'orders-reader' },
      'Deployment orders reader',
    ],
    [
      'a part of a service with a long name',
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a-gateway-writer' },
      'Deployment a-gateway writer',
    ],
    ['any other Deployment', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'orders' }, undefined],
    ['a StatefulSet', { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'orders-gateway' }, undefined],
    ['nothing', {}, undefined],
  ]
  test.each(rows)('%s', (_title, scaleTargetRef, wanted) => {
    const found = scaleTarget({ spec: { scaleTargetRef } })
    expect(found && `${found.target} ${found.service} ${found.part}`).toBe(wanted)
  })
})

test('what KEDA makes for a ScaledObject of ours is nobody else’s, until that is not wanted any more', () => {
  const owner = dataService()
  const made = autoscaler('keda-hpa-orders-writer', 'Deployment/orders-writer')
  const reference = { ...ownerReference(owner), kind: 'ScaledObject', uid: 'uid-of-scaler' }
  const all = [{ ...made, metadata: { ...made.metadata, ownerReferences: [reference] } }]
  const names = (scaler?: { metadata: { uid?: string } }) =>
    foreignAutoscalers(owner, all, scaler).map(({ name }) => name)
  expect(names({ metadata: { uid: 'uid-of-scaler' } })).toEqual([])
  expect(names({ metadata: { uid: 'of another' } })).toEqual(['keda-hpa-orders-writer'])
  expect(names({ metadata: {} })).toEqual(['keda-hpa-orders-writer'])
  expect(names()).toEqual(['keda-hpa-orders-writer'])
})

test('ours is not foreign, and those of other services do not count', () => {
  const owner = dataService()
  const mine = autoscaler('mine', 'Deployment/orders-gateway')
  const ours = { ...mine, metadata: { ...mine.metadata, ownerReferences: [ownerReference(owner)] } }
  const all = [
    ours,
    autoscaler('theirs', 'Deployment/orders-gateway'),
    autoscaler('other', 'Deployment/bills-gateway'),
    autoscaler('on-service', 'DataService/orders'),
  ]
  expect(foreignAutoscalers(owner, all).map(({ name }) => name)).toEqual(['theirs', 'on-service'])
})

describe('a change of an autoscaler', () => {
  const one = autoscaler('one', 'DataService/orders')
  const active = (status: string, message = '') => ({
    ...one,
    status: { conditions: [{ type: 'ScalingActive', status, reason: 'x', message }] },
  })
  test('of figures and messages changes no decision', () => {
    const busy = {
      ...one,
      status: { ...one.status, currentMetrics: [{ type: 'Resource' }], desiredReplicas: 7 },
    }
    expect(sameButFigures(one, busy)).toBe(true)
    expect(sameButFigures(active('True', 'one'), active('True', 'two'))).toBe(true)
  })
  test('of its target, its marks or its conditions does', () => {
    expect(sameButFigures(one, autoscaler('one', 'DataService/bills'))).toBe(false)
    expect(sameButFigures(one, { ...one, metadata: { ...one.metadata, labels: { a: 'b' } } })).toBe(false)
    expect(sameButFigures(active('True'), active('False'))).toBe(false)
  })
})

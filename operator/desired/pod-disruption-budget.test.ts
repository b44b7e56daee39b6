import { describe, expect, test } from 'vitest'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { parts } from './names.ts'
import { podDisruptionBudget } from './pod-disruption-budget.ts'

const target = targetOf(dataService(withSpec({ kafka: { managed: { brokers: 3 } } })))

test.each(parts)('%s: one pod may go at a time, and one that is not ready always', part => {
  expect(podDisruptionBudget(target, part).spec).toMatchObject({
    maxUnavailable: 1,
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
  })
})

describe('while a broker has yet to catch up', () => {
  const thin = { ...target, isLogThin: true }
  test('no broker that is ready may go', () => {
    expect(podDisruptionBudget(thin, 'kafka').spec).toMatchObject({
      maxUnavailable: 0,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    })
  })
  test('nobody else is held', () => {
    expect(podDisruptionBudget(thin, 'gateway').spec?.maxUnavailable).toBe(1)
  })
})

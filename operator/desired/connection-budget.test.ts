import { describe, expect, test } from 'vitest'
import { effective } from '#operator/desired/effective.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { images } from '#operator/testing/target.ts'
import { connectionBudget, type Endpoint } from './connection-budget.ts'

describe('the share of each pod', () => {
  const rows: [string, Endpoint, number][] = [
    ['both parts share one server', { maxConnections: 200, maxPods: { writer: 6, reader: 50 } }, 3],
    ['the largest sizes still get one each', { maxConnections: 200, maxPods: { writer: 50, reader: 50 } }, 1],
    ['readers with servers of their own', { maxConnections: 200, maxPods: { reader: 50 } }, 3],
    ['few pods get no more than is useful', { maxConnections: 200, maxPods: { writer: 1 } }, 10],
    ['a server too small for its pods', { maxConnections: 50, maxPods: { writer: 10, reader: 50 } }, 1],
    ['a server that has nothing left', { maxConnections: 10, maxPods: { writer: 1, reader: 1 } }, 1],
  ]
  test.each(rows)('%s', (_name, endpoint, poolSize) => {
    expect(connectionBudget(endpoint).poolSize).toBe(poolSize)
  })

  test('pods are capped only when one connection each is too many, in proportion', () => {
    const enough = { writer: 6, reader: 50 }
    expect(connectionBudget({ maxConnections: 200, maxPods: enough }).maxPods).toEqual(enough)
    const small = connectionBudget({ maxConnections: 50, maxPods: { writer: 10, reader: 50 } })
    expect(small.maxPods).toEqual({ writer: 4, reader: 23 })
  })

  test('what is allowed never needs more than the server has', () => {
    for (const maxConnections of [40, 60, 100, 200]) {
      for (const [writer, reader] of [
        [1, 1],
        [6, 50],
        [50, 50],
        [50, 3],
      ] as const) {
        const { poolSize, maxPods } = connectionBudget({ maxConnections, maxPods: { writer, reader } })
        const pods = (maxPods.writer ?? 0) + (maxPods.reader ?? 0) + 2
        expect(poolSize * pods).toBeLessThanOrEqual(maxConnections - 18)
      }
    }
  })
})

test('a change of the numbers of pods changes no pool', () => {
  const before = effective(dataService(), images).connections
  const after = effective(
    dataService(withSpec({ replicas: 40, reader: { replicas: 9 }, writer: { replicas: 3 } })),
    images,
  ).connections
  expect(after).toEqual(before)
})

/** What the status says of writers that the operator scales. */

import { describe, expect, test } from 'vitest'
import type { ObservedChild } from '#operator/desired/target.ts'
import { deriveStatus } from '#operator/status/derive.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf, only, upAndRunning } from '#operator/testing/world.ts'
import { seenBehind } from '#operator/testing/writer-load.ts'
import { decide } from '../decide.ts'
import type { LoadFacts } from '../facts.ts'

const pods = (wanted: number, ready = wanted) =>
  only('Deployment', 'orders-writer', (child: ObservedChild) => ({
    ...child,
    spec: { ...child.spec, replicas: wanted },
    status: { ...child.status, replicas: wanted, readyReplicas: ready, updatedReplicas: wanted },
  }))

interface Situation {
  mode?: string
  load?: LoadFacts
  change?: (child: ObservedChild) => ObservedChild | undefined
}

function statusIn({ mode = 'Lag', load, change }: Situation) {
  const owner = dataService(withSpec({ writer: { autoscaling: { mode } } }))
  const facts = factsOf({ ...upAndRunning(owner, change), ...(load && { load }) })
  const result = { failures: [], written: 0 }
  const status = deriveStatus({
    facts,
    plan: decide(facts),
    result,
    now: new Date(0),
    progress: { kind: 'reached' },
  })
  const condition = (type: string) => status.conditions?.find(each => each.type === type)
  return { scaling: status.scaling, told: condition('Scaling')?.message, ready: condition('Ready')?.status }
}

describe('the writers that the operator scales', () => {
  test('the status keeps the last change and what it has to be compared with', () => {
    const writer = { changedAt: '2026-01-01T12:00:00Z', from: 2, recordsPerSecond: 1000 }
    expect(statusIn({ load: seenBehind }).scaling).toEqual({ writer })
  })

  test('and says what limits them, also to people', () => {
    const { scaling, told } = statusIn({ load: seenBehind, change: pods(6) })
    expect(scaling).toEqual({ writer: { limitedBy: 'Partitions' } })
    expect(told).toContain(
      'writer: the operator after the lag, 2 to 6 (records wait, and there are no more partitions: kafka.topic.partitions)',
    )
  })

  test('that it adds some does not make the service unready', () => {
    expect(statusIn({ load: seenBehind }).ready).toBe('True')
  })

  test('of others nothing is said', () => {
    expect(statusIn({ mode: 'Off', load: seenBehind }).scaling).toBeUndefined()
  })

  test('more writers than the floor do not make it unready while they join', () => {
    expect(statusIn({ change: pods(4, 3) }).ready).toBe('True')
  })
})

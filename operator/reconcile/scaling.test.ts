/** The number of pods, decided and told, in every situation of its owner. */

import { describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { autoscalerKind } from '#operator/desired/autoscalers.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { deriveStatus } from '#operator/status/derive.ts'
import { autoscaler } from '#operator/testing/autoscaler.ts'
import { conditionIn, pods, type Situation, stepsIn, worldOf } from '#operator/testing/pod-numbers.ts'
import { factsOf, only } from '#operator/testing/world.ts'
import { seenBehind } from '#operator/testing/writer-load.ts'
import { decide } from './decide.ts'

const gateways = (wanted: number, ready?: number) => only('Deployment', 'orders-gateway', pods(wanted, ready))
const readers = (wanted: number) => only('Deployment', 'orders-reader', pods(wanted))
const writers = (wanted: number) => only('Deployment', 'orders-writer', pods(wanted))
const off = { autoscaling: { mode: 'Off' } }
const byLag = { writer: { autoscaling: { mode: 'Lag' } } }
const onWriter = autoscaler('keda-hpa-orders', 'Deployment/orders-writer')
const onService = autoscaler('theirs', 'DataService/orders')
const onGateway = autoscaler('keda-hpa-orders', 'Deployment/orders-gateway')
const ourGateway = `${autoscalerKind} orders-gateway`
const without = (name: string) => only(autoscalerKind, name, () => undefined)

describe('what is written', () => {
  const rows: [string, Situation, string[]][] = [
    ['nothing while the autoscaler moves the number', { change: gateways(17) }, []],
    ['nothing while the autoscaler of the reader does', { change: readers(17) }, []],
    [
      'a raised floor: the number at once, and the bound',
      { spec: { replicas: 5 } },
      ['scale orders-gateway 5', `apply ${ourGateway}`],
    ],
    [
      'a lowered floor: the bound only',
      { before: { replicas: 5 }, spec: { replicas: 3 } },
      [`apply ${ourGateway}`],
    ],
    [
      'to 0: the number, and the smallest bound there is',
      { spec: { replicas: 0 } },
      ['scale orders-gateway 0', `apply ${ourGateway}`],
    ],
    ['at 0: nothing', { before: { replicas: 0 } }, []],
    ['a pod at 0: back to 0', { before: { replicas: 0 }, change: gateways(2) }, ['scale orders-gateway 0']],
    [
      'leaving 0: the floor',
      { before: { replicas: 0 }, spec: { replicas: 3 } },
      ['scale orders-gateway 3', `apply ${ourGateway}`],
    ],
    [
      'other figures of the autoscaler: the autoscaler only',
      { spec: { gateway: { autoscaling: { maxReplicas: 4 } } } },
      [`apply ${ourGateway}`],
    ],
    [
      'no autoscaler wanted: ours goes and the number is exact',
      { spec: { gateway: off }, change: gateways(9) },
      [`remove ${ourGateway}`, 'scale orders-gateway 3'],
    ],
    [
      'an exact number that was moved',
      { before: { gateway: off }, change: gateways(9) },
      ['scale orders-gateway 3'],
    ],
    ['a reader without autoscaler or number is let be', { before: { reader: off }, change: readers(9) }, []],
    ['writers that are behind get more', { before: byLag, load: seenBehind }, ['scale orders-writer 3']],
    ['not where the number is the user’s', { load: seenBehind }, []],
    ['nor an autoscaler’s of somebody else', { before: byLag, load: seenBehind, theirs: [onWriter] }, []],
    ['nor while it is not known how all of them fare', { before: byLag, load: { kind: 'unknown' } }, []],
    ['what kubectl scale asked for stays, within the bounds', { before: byLag, change: writers(5) }, []],
    ['beyond the bounds it goes back', { before: byLag, change: writers(1) }, ['scale orders-writer 2']],
    [
      'kubectl scale to 0 does not stop a writer that the operator scales',
      { before: byLag, change: writers(0) },
      ['scale orders-writer 2'],
    ],
    [
      'writer.replicas 0 does',
      { before: byLag, spec: { writer: { ...byLag.writer, replicas: 0 } } },
      ['scale orders-writer 0'],
    ],
    ['a writer is let be up to the partitions', { change: writers(6) }, []],
    ['a writer above the partitions', { change: writers(7) }, ['scale orders-writer 6']],
    [
      'ours was deleted by hand: it comes back',
      { change: without('orders-reader') },
      [`apply ${autoscalerKind} orders-reader`],
    ],
    [
      'theirs on the DataService: ours goes, replicas is exact',
      { theirs: [onService], change: gateways(9) },
      [`remove ${ourGateway}`, 'scale orders-gateway 3'],
    ],
    [
      'theirs on the DataService says more',
      { theirs: [onService], change: without('orders-gateway'), spec: { replicas: 6 } },
      ['scale orders-gateway 6'],
    ],
    [
      'theirs on the Deployment: ours goes and no number is written',
      { theirs: [onGateway], change: gateways(9), spec: { replicas: 20 } },
      [`remove ${ourGateway}`],
    ],
    [
      'theirs on the Deployment at 0: still theirs',
      { theirs: [onGateway], change: gateways(0) },
      [`remove ${ourGateway}`],
    ],
    ['theirs has gone: ours returns', { change: without('orders-gateway') }, [`apply ${ourGateway}`]],
    [
      'a record that cannot be used does not keep ours beside theirs',
      { theirs: [onService], spec: { record: { key: '/nowhere' } } },
      [`remove ${ourGateway}`],
    ],
  ]
  test.each(rows)('%s', (_title, situation, wanted) => {
    expect(stepsIn(situation)).toEqual(wanted)
  })

  test('no autoscaler is made while a Deployment is missing', () => {
    const change = only('Deployment', 'orders-reader', () => undefined)
    expect(stepsIn({ change }).filter(step => step.includes(autoscalerKind))).toEqual([])
  })
})

describe('what is told', () => {
  const figures = (status: string, reason: string) =>
    only(autoscalerKind, 'orders-gateway', child => ({
      ...child,
      status: { conditions: [{ type: 'ScalingActive', status, reason }] },
    }))
  const rows: [string, Situation, string, string | RegExp][] = [
    [
      'by default',
      {},
      'Scaling',
      'True/AutoscaledByCPU: gateway: HorizontalPodAutoscaler orders-gateway, 3 to 50 at 70 % CPU; ' +
        'writer: kubectl -n shop scale deployment/orders-writer, up to 6; ' +
        'reader: HorizontalPodAutoscaler orders-reader, 3 to 50 at 70 % CPU',
    ],
    ['Off', { before: { gateway: off } }, 'Scaling', /^True\/FixedNumber: gateway: 3 as the spec says; /],
    ['at 0', { before: { replicas: 0 } }, 'Scaling', /^True\/AutoscaledByCPU: gateway: 0 as the spec says/],
    [
      'theirs on the DataService',
      { theirs: [onService] },
      'Scaling',
      /^True\/ForeignAutoscaler: gateway: HorizontalPodAutoscaler theirs moves spec\.replicas; /,
    ],
    [
      'theirs on the Deployment',
      { theirs: [onGateway] },
      'Scaling',
      /^True\/ForeignAutoscaler: gateway: HorizontalPodAutoscaler keda-hpa-orders; /,
    ],
    [
      'theirs sleeps',
      { theirs: [onGateway], change: gateways(0) },
      'Scaling',
      /sleeps at 0 pods, kubectl -n shop scale deployment\/orders-gateway --replicas=1 wakes it/,
    ],
    [
      'two of theirs',
      { theirs: [onGateway, onService] },
      'Scaling',
      /^False\/AutoscalersInConflict: .*keep one of keda-hpa-orders, theirs and delete the others/,
    ],
    [
      'without metrics-server',
      { change: figures('False', 'FailedGetResourceMetric') },
      'Scaling',
      /^False\/MetricsMissing: .*install metrics-server, or set gateway\.autoscaling\.mode to "Off"/,
    ],
    [
      'asleep at 0',
      { before: { replicas: 0 }, change: figures('False', 'ScalingDisabled') },
      'Scaling',
      /^True/,
    ],
    [
      'without metrics-server',
      { change: figures('False', 'FailedGetResourceMetric') },
      'Ready',
      /^True\/Ready/,
    ],
    [
      'pods that the autoscaler adds',
      { change: gateways(9, 4) },
      'GatewayReady',
      /^True\/Ready: .*4 of 9 pods/,
    ],
    ['fewer than the floor', { change: gateways(9, 2) }, 'GatewayReady', /^False\/PodsNotReady/],
    ['a raised floor', { spec: { replicas: 5 } }, 'GatewayReady', /^False\/Scaling: .*from 3 to 5 pods/],
    ['scaled to 0', { before: { replicas: 0 } }, 'Ready', /^True\/ScaledToZero/],
    [
      'an exact number that is not reached',
      { before: { replicas: 9, gateway: off }, change: gateways(9, 4) },
      'GatewayReady',
      /^False\/PodsNotReady/,
    ],
  ]
  test('a number that the autoscaler just wrote does not end Ready; a rollout does', () => {
    const unseen = (child: ObservedChild) => ({ ...child, metadata: { ...child.metadata, generation: 2 } })
    const world = worldOf({ change: only('Deployment', 'orders-gateway', unseen) })
    const facts = factsOf(world)
    const ready = (before: DataService['status']) => {
      const seen = {
        ...facts,
        owner: { ...facts.owner, ...(before === undefined ? {} : { status: before }) },
      }
      const result = { failures: [], written: 0 }
      return deriveStatus({
        facts: seen,
        plan: decide(seen),
        result,
        now: new Date(0),
        progress: { kind: 'reached' },
      })
    }
    const told = (status: DataService['status']) =>
      status?.conditions?.find(({ type }) => type === 'GatewayReady')?.reason
    const rolling = ready(undefined)
    expect(told(rolling)).toBe('RollingOut')
    expect(told(ready(rolling))).toBe('RollingOut')
    const all = factsOf(worldOf({}))
    const up = deriveStatus({
      facts: all,
      plan: decide(all),
      result: { failures: [], written: 0 },
      now: new Date(0),
      progress: { kind: 'reached' },
    })
    expect(told(ready(up))).toBe('Ready')
  })

  test.each(rows)('%s: %#', (_title, situation, type, wanted) => {
    const told = conditionIn(situation, type)
    if (typeof wanted === 'string') expect(told).toBe(wanted)
    else expect(told).toMatch(wanted)
  })
})

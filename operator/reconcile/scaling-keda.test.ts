/** The number of writers where KEDA moves it: what is decided, and what is told. */
import { describe, expect, test } from 'vitest'
import type { ObservedChild } from '#operator/desired/target.ts'
import { autoscaler } from '#operator/testing/autoscaler.ts'
import { conditionIn, pods, type Situation, stepsIn } from '#operator/testing/pod-numbers.ts'
import { only } from '#operator/testing/world.ts'
import { seenBehind } from '#operator/testing/writer-load.ts'

const writers = (wanted: number) => only('Deployment', 'orders-writer', pods(wanted))
const autoscaling = { mode: 'Lag', by: 'KEDA' }
/** On a Kafka that lets KEDA in as it is. */
const open = { kafka: { external: { bootstrapServers: ['kafka.test:9092'] } } }
const byLag = { ...open, writer: { autoscaling: { mode: 'Lag' } } }
const byKeda = { ...open, writer: { autoscaling } }
const ours = 'ScaledObject orders-writer'

const onWriter = autoscaler('keda-hpa-orders-writer', 'Deployment/orders-writer')
/** As KEDA makes it for the ScaledObject that is there. */
const ofKeda: ObservedChild = {
  ...onWriter,
  metadata: {
    ...onWriter.metadata,
    ownerReferences: [
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        name: 'orders-writer',
        uid: 'uid-of-orders-writer',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
}

describe('what is written', () => {
  const rows: [string, Situation, string[]][] = [
    [
      'nothing while KEDA moves the number',
      { before: byKeda, theirs: [ofKeda], change: writers(5), load: seenBehind },
      [],
    ],
    ['nothing beyond the bounds: KEDA comes back by itself', { before: byKeda, change: writers(9) }, []],
    [
      'the floor, which KEDA may not know yet',
      { before: byKeda, change: writers(1) },
      ['scale orders-writer 2'],
    ],
    [
      'to KEDA: the number stays as it is',
      { before: byLag, spec: byKeda, change: writers(5) },
      [`apply ${ours}`],
    ],
    [
      'from KEDA: no number is written before what it made has gone',
      {
        before: byKeda,
        spec: byLag,
        status: { kindsOfOthers: ['ScaledObject'] },
        theirs: [ofKeda],
        change: writers(9),
        load: seenBehind,
      },
      [`remove ${ours}`],
    ],
    [
      'and then the operator goes on from there',
      { before: byLag, change: writers(9) },
      ['scale orders-writer 6'],
    ],
    [
      'an autoscaler of somebody else comes first: two of them stop both',
      { before: byKeda, theirs: [onWriter], change: writers(5) },
      [`remove ${ours}`],
    ],
    [
      'writer.replicas 0: nothing is left that would leave it',
      { before: byKeda, spec: { ...open, writer: { autoscaling, replicas: 0 } }, theirs: [ofKeda] },
      [`remove ${ours}`, 'scale orders-writer 0'],
    ],
  ]
  test.each(rows)('%s', (_title, situation, wanted) => {
    expect(stepsIn(situation)).toEqual(wanted)
  })
})

describe('what is told', () => {
  const scaler = (...conditions: object[]) =>
    only('ScaledObject', 'orders-writer', child => ({ ...child, status: { conditions } }))
  const ready = { type: 'Ready', status: 'True' }
  const lost = { type: 'Ready', status: 'False', reason: 'TriggerError', message: 'no broker' }
  const rows: [string, Situation, string, RegExp][] = [
    [
      'at work',
      { theirs: [ofKeda], change: scaler(ready) },
      'Scaling',
      /^True\/.*; writer: ScaledObject orders-writer of KEDA, 2 to 6 with 100000 waiting records for each; /,
    ],
    [
      'paused',
      { change: scaler(ready, { type: 'Paused', status: 'True' }) },
      'Scaling',
      /^True.*for each, paused by its annotation; /,
    ],
    [
      'it does not get to the log',
      { change: scaler(lost) },
      'Scaling',
      /^False\/ScalerNotReady: ScaledObject orders-writer: TriggerError: no broker; .*kubectl -n shop describe scaledobjects\.keda\.sh orders-writer/,
    ],
    ['which takes no pod away', { change: scaler(lost) }, 'Ready', /^True\/Ready/],
    ['it does not run', {}, 'Scaling', /^False\/ScalerNotReady: .*KEDA has not looked at it yet/],
    [
      'writers that it adds do not count before they are ready',
      {
        change: child => only('Deployment', 'orders-writer', pods(5, 2))(scaler(ready)(child) ?? child),
      },
      'WriterReady',
      /^True\/Ready: .*2 of 5 pods/,
    ],
  ]
  test.each(rows)('%s: %#', (_title, situation, type, wanted) => {
    expect(conditionIn({ before: byKeda, ...situation }, type)).toMatch(wanted)
  })
})

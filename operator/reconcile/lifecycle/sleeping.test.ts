/** To sleep, decided and told: each moment of the way from what is there, as an operator finds it that was just started. */
import { describe, expect, test } from 'vitest'
import { autoscalerKind } from '#operator/desired/autoscalers.ts'
import { ownedMetadata } from '#operator/desired/labels.ts'
import { deriveStatus } from '#operator/status/derive.ts'
import { autoscaler } from '#operator/testing/autoscaler.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import {
  asleep,
  behind,
  factsIn,
  kept,
  type Moment,
  noAutoscalers,
  seen,
  stored,
} from '#operator/testing/moments.ts'
import { pod } from '#operator/testing/pods.ts'
import { factsOf, upAndRunning } from '#operator/testing/world.ts'
import { decide } from '../decide.ts'

describe('to sleep', () => {
  const rows: [string, Moment, string[], string][] = [
    [
      'first the numbers are kept and everything that moves them goes',
      {},
      [`remove ${autoscalerKind} orders-gateway`, `remove ${autoscalerKind} orders-reader`],
      'False/Hibernating',
    ],
    [
      'then the gateway ends',
      { kept: { gateway: 3 }, drop: noAutoscalers },
      ['scale orders-gateway 0'],
      'False/Hibernating',
    ],
    [
      'a number that moved in between is kept anew first',
      { kept: { gateway: 2 }, drop: noAutoscalers },
      [],
      'False/Hibernating',
    ],
    [
      'while a gateway pod ends nobody else does',
      { kept, wanted: { gateway: 0 }, ending: ['gateway'], drop: noAutoscalers },
      [],
      'False/Hibernating',
    ],
    [
      'the writer stays while records are not stored',
      { kept: { gateway: 3 }, wanted: { gateway: 0 }, flush: behind, drop: noAutoscalers },
      [],
      'False/Hibernating',
    ],
    [
      'a writer that cannot store is told, and nothing ends',
      {
        kept: { gateway: 3 },
        wanted: { gateway: 0 },
        unready: ['writer'],
        flush: behind,
        drop: noAutoscalers,
      },
      [],
      'False/LogNotStored',
    ],
    [
      'nor when Postgres is away',
      {
        kept: { gateway: 3 },
        wanted: { gateway: 0 },
        unready: ['postgres'],
        flush: behind,
        drop: noAutoscalers,
      },
      [],
      'False/LogNotStored',
    ],
    [
      'nor when Kafka cannot be asked',
      { kept: { gateway: 3 }, wanted: { gateway: 0 }, unready: ['kafka'], drop: noAutoscalers },
      [],
      'False/LogNotStored',
    ],
    [
      'nor when the user has stopped the writer',
      { kept: { gateway: 3 }, wanted: { gateway: 0, writer: 0 }, flush: behind, drop: noAutoscalers },
      [],
      'False/LogNotStored',
    ],
    [
      'the writer ends when all is stored, its number kept',
      { kept: { gateway: 3, writer: 2 }, wanted: { gateway: 0 }, flush: stored, drop: noAutoscalers },
      ['scale orders-writer 0'],
      'False/Hibernating',
    ],
    [
      'then the reader',
      { kept, wanted: { gateway: 0, writer: 0 }, drop: noAutoscalers },
      ['scale orders-reader 0'],
      'False/Hibernating',
    ],
    [
      'then Redis',
      { kept, wanted: { gateway: 0, writer: 0, reader: 0 }, drop: noAutoscalers },
      ['apply StatefulSet orders-redis 0'],
      'False/Hibernating',
    ],
    [
      'then Postgres',
      { kept, wanted: { ...asleep, postgres: 1, kafka: 1 }, drop: noAutoscalers },
      ['apply StatefulSet orders-postgres 0'],
      'False/Hibernating',
    ],
    [
      'not while a Job works with it',
      {
        kept,
        wanted: { ...asleep, postgres: 1, kafka: 1 },
        pods: [
          pod({
            owner: 'migrate',
            name: 'orders-maintain-x',
            labels: { 'app.kubernetes.io/component': 'maintain' },
          }),
        ],
        drop: noAutoscalers,
      },
      [],
      'False/Hibernating',
    ],
    [
      'Kafka is the last',
      { kept, wanted: { ...asleep, kafka: 1 }, drop: noAutoscalers },
      ['apply StatefulSet orders-kafka 0'],
      'False/Hibernating',
    ],
  ]
  test.each(rows)('%s', (_, moment, steps, ready) => {
    const found = seen(moment)
    expect(found.steps).toEqual(steps)
    expect(found.ready).toBe(ready)
  })

  test('its CronJob is paused, even while nothing else may be applied, and goes on when it wakes', () => {
    const suspended = (moment: Moment) =>
      decide(factsIn(moment)).steps.flatMap(step =>
        step.do === 'apply' && step.object.kind === 'CronJob'
          ? [JSON.stringify(step.object).includes('"suspend":true')]
          : [],
      )
    expect(suspended({})).toEqual([true])
    expect(
      suspended({ spec: { lifecycle: 'Hibernated', record: { indexes: [{ fields: ['/nowhere'] }] } } }),
    ).toEqual([true])
    expect(suspended({ spec: {} })).toEqual([])
  })

  test('asleep it is Ready, writes nothing and keeps what comes back', () => {
    const found = seen({ kept, wanted: asleep, drop: noAutoscalers })
    expect(found).toMatchObject({ ready: 'True/Hibernated', kept })
    expect(found.steps).toEqual([])
  })

  test('a pod that others start while it sleeps ends again, its number is kept, and nobody is woken', () => {
    const moment: Moment = { kept, wanted: { ...asleep, writer: 4 }, drop: noAutoscalers }
    expect(seen(moment).kept).toEqual({ ...kept, writer: 4 })
    const next = seen({ ...moment, kept: { ...kept, writer: 4 } })
    expect(next.steps).toEqual(['scale orders-writer 0'])
  })

  test('a number that an autoscaler of others owns is kept too', () => {
    const theirs = [autoscaler('keda', 'Deployment/orders-writer')]
    expect(seen({ wanted: { writer: 5 }, kept: { gateway: 3 }, theirs, drop: noAutoscalers }).kept).toEqual({
      gateway: 3,
    })
    const later: Moment = { wanted: { gateway: 0, writer: 5 }, kept: { gateway: 3 }, flush: stored, theirs }
    expect(seen({ ...later, drop: noAutoscalers }).kept).toEqual({ gateway: 3, writer: 5 })
  })

  test('a number stays kept while the copy of its Deployment is older than the 0 that was written', () => {
    const late: Moment = {
      kept: { gateway: 3, writer: 2 },
      wanted: { gateway: 0 },
      flush: { kind: 'seen', behind: [{ partition: 1, told: false }] },
      drop: noAutoscalers,
    }
    expect(seen(late)).toMatchObject({ steps: [], kept: { gateway: 3, writer: 2 } })
    const caughtUp = seen({ ...late, wanted: { gateway: 0, writer: 0 } })
    expect(caughtUp.steps).toEqual([])
    expect(caughtUp.kept).toEqual({ ...kept, writer: 2 })
  })

  test('but not while a writer says that it has records to store', () => {
    const moment: Moment = { kept: { gateway: 3, writer: 2 }, wanted: { gateway: 0 }, flush: behind }
    expect(seen({ ...moment, drop: noAutoscalers }).kept).toEqual({ gateway: 3 })
  })

  test('without what was kept nothing is taken for stored: the log is asked again', () => {
    const found = seen({ wanted: asleep, drop: noAutoscalers })
    expect(found.steps).toContain('apply StatefulSet orders-postgres 1')
    expect(found.ready).toBe('False/LogNotStored')
  })

  test('one that is created so makes no pod at all', () => {
    const owner = dataService(withSpec({ lifecycle: 'Hibernated' }))
    const facts = factsOf({ owner })
    const plan = decide(facts)
    expect(plan.steps.flatMap(step => ('object' in step ? step.object.kind : []))).not.toContain(
      'StatefulSet',
    )
    const status = deriveStatus({
      facts,
      plan,
      result: { failures: [], written: 0 },
      now: new Date(0),
      progress: { kind: 'reached' },
    })
    expect(status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'True',
      reason: 'Hibernated',
    })
  })

  test('while a restore has the writers at rest it waits: what they have to store is in the log', () => {
    const left = { writer: 2, reader: 3 }
    const found = seen({ kept: left, wanted: { writer: 0, reader: 0 }, drop: noAutoscalers })
    expect(found.steps).toEqual(['scale orders-reader 3'])
    expect(found.kept).toEqual(left)
  })

  test('the Job that shuts old passwords out ends when Redis is about to', () => {
    const metadata = {
      ...ownedMetadata(dataService(), 'orders-retire-2', 'retire'),
      uid: 'uid-of-retire',
    }
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata, status: { active: 1 } }
    const { steps } = seen({
      kept,
      wanted: { gateway: 0, writer: 0 },
      theirs: [job],
      drop: noAutoscalers,
    })
    expect(steps).toContain('remove Job orders-retire-2')
  })

  test('in the middle of its first start a migration that works is given up, and the engines end', () => {
    const owner = dataService(withSpec({ lifecycle: 'Hibernated' }))
    const started = upAndRunning(dataService(), child => {
      if (child.kind === 'Job') return { ...child, status: { active: 1 } }
      return ['StatefulSet', 'ConfigMap'].includes(child.kind) ? child : undefined
    })
    const pods = [pod({ owner: 'migrate', name: 'orders-migrate-x', phase: 'Running' })]
    const steps = decide(factsOf({ ...started, owner, pods })).steps
    expect(steps.flatMap(step => (step.do === 'remove' ? step.kind : []))).toEqual(['Job'])
    expect(steps.filter(step => step.do === 'create')).toEqual([])
  })
})

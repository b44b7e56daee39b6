/** A newer operator over a service that is up: its pods stay until its turn comes. */
import { describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { Condition, Upgrade } from '#crds/v1alpha1/status.ts'
import type { EndToEnd } from '#dataservice/contract/end-to-end.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { deriveStatus } from '#operator/status/derive.ts'
import { type Change, dataService, withSpec } from '#operator/testing/data-service.ts'
import { testRevision } from '#operator/testing/target.ts'
import { factsOf, upAndRunning } from '#operator/testing/world.ts'
import { decide } from '../decide.ts'
import type { EndToEndFacts } from '../facts.ts'
import { standOf } from './stand.ts'
import type { Turn } from './turnstile.ts'
import { printOf, progressOf } from './upgrade.ts'

const older = '0.9.0-00000000'

function owned(upgrade?: Upgrade, ...changes: Change[]): DataService {
  const owner = dataService(...changes)
  const { generation } = owner.metadata
  return {
    ...owner,
    status: { observedGeneration: generation, revision: older, ...(upgrade && { upgrade }) },
  }
}

/** As an older operator made it: another image, and a migration of another name. */
function ofOlder(child: ObservedChild): ObservedChild {
  const { kind, metadata } = child
  if (kind === 'Job') return { ...child, metadata: { ...metadata, name: 'orders-migrate-0a0b0c0d' } }
  if (kind !== 'Deployment') return child
  const annotations = { ...metadata.annotations, 'dataservice.dev/desired': 'of-older' }
  const spec = { ...child.spec, template: { spec: { containers: [{ name: 'x', image: 'older' }] } } }
  return { ...child, metadata: { ...metadata, annotations }, spec }
}

type Seen = (child: ObservedChild) => ObservedChild | undefined

const turn: Turn = { kind: 'turn' }
const quiet: EndToEndFacts = { kind: 'notAsked' }
const told = (said: EndToEnd): EndToEndFacts => ({ kind: 'told', told: said })
const wait: Turn = { kind: 'wait', inside: ['shop/first'] }

interface Around {
  change?: Seen
  endToEnd?: EndToEndFacts
  now?: Date
}

function run(owner: DataService, answer: Turn, around: Around = {}) {
  const { change = ofOlder, endToEnd = quiet, now = new Date(0) } = around
  const asked: boolean[] = []
  const stand = standOf(owner, testRevision)
  const facts = factsOf({ ...upAndRunning(owner, change), owner, stand, endToEnd })
  const plan = decide(facts)
  const progress = progressOf(facts, plan, first => {
    asked.push(first)
    return answer
  })
  const result = { failures: [], written: 0 }
  const status = deriveStatus({ facts, plan, result, now, progress })
  const condition = (type: string) => status.conditions?.find(each => each.type === type)
  const written = plan.steps.flatMap(step =>
    step.do === 'apply' || step.do === 'create' ? [step.object.kind] : [],
  )
  return { progress: progress.kind, status, condition, written, asked }
}

const spec = printOf(dataService().spec)
const startedAt = new Date(0).toISOString()
const itsTurn = { phase: 'Rolling', to: testRevision, spec, startedAt, wasReady: true } as const

const waiting = { phase: 'Waiting', to: testRevision, spec } as const
const otherPods = { kafka: { managed: { brokers: 3 } } }

describe('a service of an older operator', () => {
  test('waits for its turn: no workload is written, it is Ready, and a condition says for whom it waits', () => {
    const { progress, written, condition, status } = run(owned(), wait)
    expect([progress, written]).toEqual(['waiting', []])
    expect([condition('Ready')?.status, condition('DatabaseReady')?.status]).toEqual(['True', 'True'])
    expect(condition('Upgraded')).toMatchObject({ status: 'False', reason: 'WaitingForTurn' })
    expect(condition('Upgraded')?.message).toContain('until shop/first is Ready')
    expect(status).toMatchObject({ revision: older, upgrade: { phase: 'Waiting', to: testRevision } })
  })

  test('its turn is written down before any pod restarts', () => {
    const { progress, written, status } = run(owned(), turn)
    expect([progress, written]).toEqual(['granted', []])
    expect(status.upgrade).toEqual({
      phase: 'Rolling',
      to: testRevision,
      spec,
      startedAt,
      wasReady: true,
      wasPassing: false,
    })
    const passing = run(owned(), turn, { endToEnd: told({}) })
    expect(passing.status.upgrade?.wasPassing).toBe(true)
  })

  test('in its turn pods restart, and it keeps its place until it is Ready again', () => {
    const rolling = { ...itsTurn, wasPassing: false }
    const { progress, written, status } = run(owned(rolling), wait)
    expect([progress, status.upgrade]).toEqual(['rolling', rolling])
    expect(written).toContain('Job')
    const done = run(owned(rolling), wait, { change: child => child })
    expect([done.status.revision, done.status.upgrade]).toEqual([testRevision, undefined])
    expect(done.condition('Upgraded')).toBeUndefined()
  })

  test('one that differs in nothing needs no turn', () => {
    const { progress, status, asked } = run(owned(), wait, { change: child => child })
    expect([progress, status.revision, asked]).toEqual(['reached', testRevision, []])
  })

  test('what is missing is made all the same', () => {
    const lost = (child: ObservedChild) =>
      child.metadata.name === 'orders-reader' ? undefined : ofOlder(child)
    const { written } = run(owned(), wait, { change: lost })
    expect(written.filter(kind => ['Deployment', 'StatefulSet', 'Job', 'Service'].includes(kind))).toEqual([
      'Service',
      'Deployment',
    ])
  })

  test('a spec that changed while it waits goes first, and Ready does not say that it is reached', () => {
    const { asked, condition, status } = run(owned(waiting, withSpec(otherPods)), wait)
    expect(asked).toEqual([true])
    expect(condition('Ready')).toMatchObject({ status: 'False', reason: 'WaitingForTurn' })
    expect(status.upgrade?.spec).toBe(spec)
  })

  test.each([
    ['another number of pods', { replicas: 9, reader: { replicas: 9 } }],
    ['the pin', { operatorRevision: older }],
  ])('%s takes nothing away from Ready: it asks for no other pods', (_, changed) => {
    expect(run(owned(waiting, withSpec(changed)), wait).condition('Ready')?.status).toBe('True')
  })

  test('one that was not Ready and cannot be written keeps its turn for ten minutes, not for ever', () => {
    const rolling = { ...itsTurn, wasReady: false, wasPassing: false }
    const lacking = (child: ObservedChild) => (child.metadata.name === 'orders-postgres' ? undefined : child)
    const once = (minutes: number) =>
      run(owned(rolling), wait, { change: lacking, now: new Date(minutes * 60_000) }).status
    expect(once(9).upgrade).toEqual(rolling)
    expect([once(10).revision, once(10).upgrade]).toEqual([testRevision, undefined])
  })
})

describe('where probe records came through before, a turn lasts until one does that was sent since Ready', () => {
  const readyAt = Date.parse('2026-05-01T12:00:00Z')
  const rolling = { ...itsTurn, wasPassing: true }
  const ready: Condition = {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: '',
    observedGeneration: 1,
    lastTransitionTime: new Date(readyAt).toISOString(),
  }
  const inTurn = (conditions: Condition[], ...changes: Change[]): DataService => {
    const owner = owned(rolling, ...changes)
    return { ...owner, status: { ...owner.status, conditions } }
  }
  const afterMs = 10_000
  const ends = (owner: DataService, endToEnd: EndToEndFacts): boolean => {
    const now = new Date(readyAt + afterMs)
    return run(owner, wait, { change: child => child, endToEnd, now }).status.upgrade === undefined
  }

  test.each<[string, EndToEndFacts, boolean]>([
    ['nobody has asked', quiet, false],
    ['no reader knows yet', { kind: 'untold' }, false],
    ['the last one was sent before', told({ passedAgoMs: afterMs }), false],
    ['perhaps before, for conditions tell whole seconds', told({ passedAgoMs: afterMs - 999 }), false],
    ['one was sent since', told({ passedAgoMs: afterMs - 1_000 }), true],
    ['readers of an older version do not tell when', told({}), true],
    ['they get stuck', told({ brokenAt: 'writer', passedAgoMs: 0 }), false],
  ])('%s', (_, seen, isOver) => {
    expect(ends(inTurn([ready]), seen)).toBe(isOver)
  })

  test('in the run in which it becomes Ready nothing can have been sent since', () => {
    expect(ends(inTurn([]), told({ passedAgoMs: 0 }))).toBe(false)
  })

  test('scaled to zero meanwhile it proves nothing, and keeps nobody waiting', () => {
    expect(ends(inTurn([ready], withSpec({ replicas: 0 })), quiet)).toBe(true)
  })
})

test('spec.operatorRevision keeps the pods until it is taken out or names the new one', () => {
  const pinned = run(owned(undefined, withSpec({ operatorRevision: older })), turn)
  expect([pinned.progress, pinned.written, pinned.asked]).toEqual(['pinned', [], []])
  expect(pinned.condition('Upgraded')?.message).toContain(`set it to ${testRevision}`)
  expect(run(owned(undefined, withSpec({ operatorRevision: testRevision })), turn).progress).toBe('granted')
})

test('a new service is of the newest revision at once', () => {
  expect(standOf(dataService(), testRevision)).toBe('current')
})

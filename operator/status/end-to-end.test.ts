import { expect, test } from 'vitest'
import { hops } from '#dataservice/contract/end-to-end.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import { decide } from '#operator/reconcile/decide.ts'
import type { EndToEndFacts } from '#operator/reconcile/facts.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'
import { deriveStatus } from './derive.ts'

const told = (words: object): EndToEndFacts => ({ kind: 'told', told: words })

function conditionOf(world: World, type: string) {
  const facts = factsOf(world)
  const result = { failures: [], written: 0 }
  const { conditions = [] } = deriveStatus({
    facts,
    plan: decide(facts),
    result,
    now: new Date(0),
    progress: { kind: 'reached' },
  })
  const { status, reason, message } = conditions.find(each => each.type === type) ?? {}
  return { verdict: `${status}/${reason}`, message }
}

const up = (endToEnd: EndToEndFacts, slo?: string): World => ({
  ...upAndRunning(dataService(...(slo === undefined ? [] : [withSpec({ slo: { endToEnd: slo } })]))),
  endToEnd,
})

test.each<[string, World, string, string]>([
  ['no reader', up({ kind: 'notAsked' }), 'Unknown/NotProbed', 'True/Ready'],
  ['a reader that does not know yet', up({ kind: 'untold' }), 'Unknown/NotProbed', 'True/Ready'],
  ['probes that pass', up(told({ quickestMs: 9_000 })), 'True/RecordsPass', 'True/Ready'],
  ['in time', up(told({ quickestMs: 900 }), '1s'), 'True/RecordsPass', 'True/Ready'],
  ['too late', up(told({ quickestMs: 1_001 }), '1s'), 'False/SlowerThanSlo', 'True/Ready'],
  ['nobody knows how late', up(told({}), '1s'), 'True/RecordsPass', 'True/Ready'],
  ['stuck', up(told({ brokenAt: 'writer' })), 'False/StuckAtWriter', 'False/StuckAtWriter'],
])('%s', (_, world, verdict, ready) => {
  expect(conditionOf(world, 'EndToEndReady').verdict).toBe(verdict)
  expect(conditionOf(world, 'Ready').verdict).toBe(ready)
})

test('without gateways nothing can come through, and that was wanted', () => {
  const world = {
    ...upAndRunning(dataService(withSpec({ replicas: 0 }))),
    endToEnd: told({ brokenAt: 'gateway' }),
  }
  expect(conditionOf(world, 'EndToEndReady').verdict).toBe('Unknown/NotProbed')
  expect(conditionOf(world, 'Ready').verdict).toBe('True/ScaledToZero')
})

test.each(hops)('each station has its reason and where to look: %s', hop => {
  const { verdict, message } = conditionOf(up(told({ brokenAt: hop, detail: 'why' })), 'EndToEndReady')
  expect(verdict.toLowerCase()).toBe(`false/stuckat${hop}`)
  expect(message).toMatch(
    new RegExp(`^probe records get stuck at the ${hop}: why\\. See .*kubectl -n shop logs .*orders-${hop}`),
  )
})

test('at Postgres it is the pod that is the primary by now', () => {
  const service = dataService(withSpec({ postgres: { managed: { instances: 2 } } }))
  const world = upAndRunning(service)
  const promoted = { ...world.marks['orders-identity'], [annotationKeys.primary]: '1' }
  const marks = { ...world.marks, 'orders-identity': promoted }
  const seen = { ...world, marks, endToEnd: told({ brokenAt: 'postgres' }) }
  expect(conditionOf(seen, 'EndToEndReady').message).toMatch(/kubectl -n shop logs orders-postgres-1$/)
})

test('what a part says of itself is nearer to the cause', () => {
  const down = only('StatefulSet', 'orders-postgres', child => ({
    ...child,
    status: { ...child.status, readyReplicas: 0 },
  }))
  const world = { ...upAndRunning(dataService(), down), endToEnd: told({ brokenAt: 'postgres' }) }
  expect(conditionOf(world, 'Ready').message).toMatch(/^DatabaseReady: /)
})

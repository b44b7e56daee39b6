import { expect, test } from 'vitest'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf, only, upAndRunning } from '#operator/testing/world.ts'
import { decide } from './decide.ts'
import { restraint } from './restraint.ts'

test('an object is held after three times in a minute, and free again when one of them is over', () => {
  let now = 0
  const { isHeld, note } = restraint(() => now)
  for (const time of [0, 10_000, 20_000]) {
    now = time
    expect(isHeld('a')).toBe(false)
    note('a')
  }
  expect([isHeld('a'), isHeld('b')]).toEqual([true, false])
  now = 60_000
  expect(isHeld('a')).toBe(false)
})

test('what is rewritten on its way is held at once, and tried again after ten minutes', () => {
  let now = 0
  const { isHeld, hold } = restraint(() => now)
  hold('a')
  expect([isHeld('a'), isHeld('b')]).toEqual([true, false])
  now = 599_999
  expect(isHeld('a')).toBe(true)
  now = 600_000
  expect(isHeld('a')).toBe(false)
})

const theirs = (child: ObservedChild): ObservedChild => ({
  ...child,
  spec: { ...child.spec, selector: { app: 'theirs' } },
})
const stepsOf = (spec: Parameters<typeof withSpec>[0], isContested: boolean) => {
  const world = upAndRunning(dataService(), only('Service', 'orders-reader', theirs))
  const owner = dataService(withSpec(spec))
  const { steps, contested } = decide({ ...factsOf({ ...world, owner }), isContested: () => isContested })
  return {
    applied: steps.flatMap(step =>
      step.do === 'apply' ? [`${step.object.kind} ${step.object.metadata.name}`] : [],
    ),
    contested: contested.map(({ kind, name, fields }) => `${kind} ${name} (${fields.join(', ')})`),
  }
}

test('what somebody else changed is put back, unless it was put back too often', () => {
  expect(stepsOf({}, false)).toEqual({ applied: ['Service orders-reader'], contested: [] })
  expect(stepsOf({}, true)).toEqual({
    applied: [],
    contested: [
      'Service orders-reader (spec.selector.app.kubernetes.io/name, spec.selector.app.kubernetes.io/instance, spec.selector.app.kubernetes.io/component)',
    ],
  })
})

test('a new wish is written all the same', () => {
  const { applied } = stepsOf({ redis: { managed: { resources: { requests: { cpu: '300m' } } } } }, true)
  expect(applied).toContain('StatefulSet orders-redis')
})

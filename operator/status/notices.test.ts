import { expect, test } from 'vitest'
import type { Condition } from '#crds/v1alpha1/status.ts'
import { notices } from './notices.ts'

type State = readonly [status: Condition['status'], reason: Condition['reason']]
type Row = readonly [type: Condition['type'], before: State | undefined, after: State, told: string[]]

const condition = (type: Condition['type'], [status, reason]: State): Condition => ({
  ...{ type, status, reason, message: `it is ${reason}` },
  ...{ lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 },
})

const rows: readonly Row[] = [
  ['Ready', undefined, ['False', 'Creating'], ['Normal Creating']],
  ['Ready', ['False', 'Creating'], ['True', 'Ready'], ['Normal Ready']],
  ['Ready', ['True', 'Ready'], ['True', 'Ready'], []],
  ['Ready', ['True', 'Ready'], ['True', 'Contested'], ['Warning Contested']],
  ['Ready', ['True', 'Ready'], ['False', 'LogFull'], ['Warning LogFull']],
  ['Paused', undefined, ['True', 'PausedByAnnotation'], ['Normal PausedByAnnotation']],
  // What every DataService says when all is well is no news.
  ['LogHasRoom', undefined, ['True', 'WithinRetention'], []],
  ['LogHasRoom', ['Unknown', 'NotProbed'], ['True', 'WithinRetention'], []],
  ['Durable', undefined, ['False', 'SingleBroker'], []],
  // But trouble is, from the beginning on, and its end.
  ['LogHasRoom', undefined, ['False', 'LogFull'], ['Warning LogFull']],
  ['LogHasRoom', ['False', 'LogFull'], ['True', 'WithinRetention'], ['Normal WithinRetention']],
  ['LogHasRoom', ['True', 'WithinRetention'], ['Unknown', 'NotProbed'], []],
]

test.each(rows)('%s from %s to %s', (type, before, after, told) => {
  const found = notices(before === undefined ? [] : [condition(type, before)], [condition(type, after)])
  expect(found.map(({ type: kind, reason }) => `${kind} ${reason}`)).toEqual(told)
})

import { describe, expect, test } from 'vitest'
import { defaultAnnotation } from '#crds/v1alpha1/class.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { dataServiceClass } from '#operator/testing/class.ts'
import { type Change, dataService, withSpec } from '#operator/testing/data-service.ts'
import { chooseClass } from './class-choice.ts'

const named = (className: string): Change => withSpec({ className })
const seen =
  (status: Partial<DataService['status']>): Change =>
  service => ({
    ...service,
    status: { observedGeneration: 1, conditions: [], ...status },
  })
const classReady = {
  type: 'ClassReady',
  status: 'True',
  reason: 'Ready',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 1,
} as const

const marked = { annotations: { [defaultAnnotation]: 'true' } }
const small = dataServiceClass('small', {})
const old = dataServiceClass('old', {}, { ...marked, creationTimestamp: '2026-01-01T00:00:00Z' })
const young = dataServiceClass('young', {}, { ...marked, creationTimestamp: '2026-01-02T00:00:00Z' })
const unmarked = dataServiceClass('plain', {}, { annotations: { [defaultAnnotation]: 'false' } })

describe('the class of a DataService', () => {
  const rows: [string, Change[], Parameters<typeof chooseClass>[1], object][] = [
    ['nothing named and no class: built in', [], [], { kind: 'builtIn' }],
    ['a class that is no default moves nobody', [], [small, unmarked], { kind: 'builtIn' }],
    ['the one it names', [named('small')], [small, old], { kind: 'class', name: 'small', rivals: [] }],
    ['the default one when it is new', [], [small, old], { kind: 'class', name: 'old', rivals: [] }],
    [
      'the oldest of several defaults, which it says',
      [],
      [young, old],
      { kind: 'class', name: 'old', rivals: ['young'] },
    ],
    [
      'the one it names, whatever is a default',
      [named('young')],
      [young, old],
      { kind: 'class', name: 'young', rivals: [] },
    ],
    [
      'the one it got, when another becomes the default',
      [seen({ className: 'small' })],
      [small, old],
      { kind: 'class', name: 'small', rivals: [] },
    ],
    ['built in, when a default comes later', [seen({ className: 'built-in' })], [old], { kind: 'builtIn' }],
    ['built in, when it is older than classes', [seen({})], [old], { kind: 'builtIn' }],
    [
      'the default one, when it named a class that never was and names none now',
      [seen({ conditions: [classReady] })],
      [old],
      { kind: 'class', name: 'old', rivals: [] },
    ],
    ['none, when it names that', [named('built-in')], [old], { kind: 'builtIn' }],
    [
      'missing, when it names what there is not',
      [named('big')],
      [old],
      { kind: 'missing', name: 'big', named: true },
    ],
    [
      'missing, when the one it got is gone: no other takes its place',
      [seen({ className: 'small' })],
      [old],
      { kind: 'missing', name: 'small', named: false },
    ],
    [
      'unseen, when the operator may not look',
      [named('small')],
      undefined,
      { kind: 'unseen', name: 'small' },
    ],
    ['built in, when the operator may not look and none is named', [], undefined, { kind: 'builtIn' }],
  ]
  test.each(rows)('%s', (_name, changes, classes, wanted) => {
    expect(chooseClass(dataService(...changes), classes)).toMatchObject(wanted)
  })
})

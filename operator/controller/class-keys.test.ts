import { expect, test } from 'vitest'
import { type DataServiceClass, defaultAnnotation } from '#crds/v1alpha1/class.ts'
import type { Change } from '#operator/cluster/port.ts'
import { dataServiceClass } from '#operator/testing/class.ts'
import { dataService, type Change as Edit, withSpec } from '#operator/testing/data-service.ts'
import { usersOf } from './class-keys.ts'

const called =
  (name: string): Edit =>
  service => ({ ...service, metadata: { ...service.metadata, name } })
const got =
  (className: string): Edit =>
  service => ({ ...service, status: { observedGeneration: 1, conditions: [], className } })

const owners = [
  dataService(called('named'), withSpec({ className: 'fast' })),
  dataService(called('other'), withSpec({ className: 'slow' })),
  dataService(called('got'), got('fast')),
  dataService(called('without'), got('built-in')),
]

const fast = (spec = {}, metadata = {}): DataServiceClass => dataServiceClass('fast', spec, metadata)
const other = { writer: { replicas: 4 } }
const marked = { annotations: { [defaultAnnotation]: 'true' } }

const rows: [string, Change<DataServiceClass>, string[]][] = [
  ['a class that comes: those that name it', { kind: 'added', object: fast() }, ['named', 'got']],
  ['a class that goes: those that use it', { kind: 'deleted', object: fast() }, ['named', 'got']],
  [
    'another spec: those that use it',
    { kind: 'updated', object: fast(other), old: fast() },
    ['named', 'got'],
  ],
  [
    'a note on it: nobody',
    { kind: 'updated', object: fast({}, { annotations: { note: 'x' } }), old: fast() },
    [],
  ],
  [
    'the mark of the default: those that name no class',
    { kind: 'updated', object: fast({}, marked), old: fast() },
    ['got', 'without'],
  ],
  [
    'a default class that goes: those that use it or name none',
    { kind: 'deleted', object: fast({}, marked) },
    ['named', 'got', 'without'],
  ],
]

test.each(rows)('%s', (_name, change, wanted) => {
  expect(usersOf(change, owners).map(({ metadata }) => metadata.name)).toEqual(wanted)
})

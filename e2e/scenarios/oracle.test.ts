import { expect, test } from 'vitest'
import { complaints, type Evidence, judge } from './oracle.ts'

const acknowledged = new Map([
  ['a', '1'],
  ['b', '2'],
])
const both = [
  { id: 'a', text: '1' },
  { id: 'b', text: '2' },
]

test.each<[string, Partial<Evidence>, string[]]>([
  ['everything is there', {}, []],
  [
    'an attempt without an answer was stored',
    { unknown: ['3'], stored: [...both, { id: 'c', text: '3' }] },
    [],
  ],
  ['an attempt without an answer was not stored', { unknown: ['3'] }, []],
  ['a record is missing', { stored: both.slice(1) }, ['1 lost: a']],
  ['a record stands twice', { stored: [...both, ...both] }, ['2 doubled: a, b']],
  ['the bytes differ', { stored: [...both.slice(1), { id: 'a', text: ' 1' }] }, ['1 changed: a']],
  ['nobody sent it', { stored: [...both, { id: 'c', text: '3' }] }, ['1 foreign: c']],
  [
    'it is stored more often than it was sent',
    { unknown: ['3'], stored: [...both, { id: 'c', text: '3' }, { id: 'd', text: '3' }] },
    ['1 foreign: d'],
  ],
  [
    'a record with a key was sent often and is stored once',
    { keyed: new Set(['k']), stored: [...both, { id: 'c', text: 'k' }] },
    [],
  ],
  [
    'a record with a key is stored twice',
    {
      keyed: new Set(['k']),
      stored: [...both, { id: 'c', text: 'k' }, { id: 'd', text: 'k' }],
    },
    ['1 doubled: d'],
  ],
  ['a record with a key is missing', { keyed: new Set(['k']) }, ['1 lost: k']],
])('when %s', async (_, change, wanted) => {
  const verdict = await judge({ acknowledged, unknown: [], stored: both, ...change })
  expect(complaints(verdict)).toEqual(wanted)
})

test('counts rows and ids', async () => {
  const verdict = await judge({ acknowledged, unknown: [], stored: [...both, ...both] })
  expect(verdict).toMatchObject({ stored: 4, distinct: 2 })
})

import { expect, test } from 'vitest'
import { preferences } from './prefer.ts'

test.each([
  [undefined, {}],
  ['', {}],
  ['stream', { stream: '' }],
  ['Wait=5, STREAM', { wait: '5', stream: '' }],
  ['wait="5" ; strict', { wait: '5' }],
  ['wait=1, wait=2', { wait: '1' }],
  [['wait = 3', 'return=minimal'], { wait: '3', return: 'minimal' }],
  [',;=,', {}],
  ['__proto__=1', { ['__proto__']: '1' }],
])('%j', (header, expected) => {
  expect([...preferences(header)]).toEqual(Object.entries(expected))
})

import { expect, test } from 'vitest'
import { parseSelection } from './selection.ts'

const known = { suites: ['exactly-once', 'poison'], scenarios: ['at-rest'] }

test.each([
  [[], { names: ['exactly-once', 'poison', 'at-rest'], size: 'full' }],
  [['--smoke'], { names: ['exactly-once', 'poison'], size: 'smoke' }],
  [
    ['poison', 'at-rest', '--seed', '7', '--json', 'out'],
    { names: ['poison', 'at-rest'], seed: 7, json: 'out' },
  ],
])('%j', (args, wanted) => {
  expect(parseSelection(args, known)).toMatchObject(wanted)
})

test.each([
  [['at-work'], "unknown scenario 'at-work'; known: exactly-once, poison, at-rest"],
  [['--seed', 'x'], "--seed is a whole number below 2^32, not 'x'"],
])('%j is refused', (args, message) => {
  expect(() => parseSelection(args, known)).toThrow(message)
})

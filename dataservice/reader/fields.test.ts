import { expect, test } from 'vitest'
import { parseFields, selectedText } from './fields.ts'

function paths(text: string) {
  const parsed = parseFields(text)
  if (parsed.kind === 'refused') throw new Error(parsed.message)
  return parsed.selection.paths
}

test('names of the top level and pointers; what lies within another one is left out', () => {
  expect(paths('a.b,/c/d~1e,x')).toEqual([['a.b'], ['c', 'd/e'], ['x']])
  expect(paths('/a/b,a,/a/b/c,a')).toEqual([['a']])
})

test('the record is put together again from the texts, in the order asked for', () => {
  const selection = { paths: [['b'], ['a', 'y'], ['a', 'x'], ['none', 'deep'], ['__proto__']] }
  expect(selectedText(selection, ['1e2', '-0', '{"k" : 1}', null, '"p"'])).toBe(
    '{"b":1e2,"a":{"y":-0,"x":{"k" : 1}},"__proto__":"p"}',
  )
  expect(selectedText(selection, [null, null, null, null, null])).toBe('{}')
  expect(selectedText({ paths: [['a']] }, ['null'])).toBe('{"a":null}')
})

test.each([
  ['a,,b', 'must be names'],
  ['/a/-1', 'cannot reach into a list'],
  [Array.from({ length: 51 }, (_, n) => `f${n}`).join(','), 'may name 50 fields'],
])('%s is refused', (text, message) => {
  expect(parseFields(text)).toMatchObject({ kind: 'refused', message: expect.stringContaining(message) })
})

import { expect, test } from 'vitest'
import { type Step, textAt, upgrader } from './upgrade.ts'

const upgraded = (body: string, ...steps: Step[]): string => upgrader(steps)(body)

test.each<[string, string, Step[], string]>([
  [
    'what is not touched stays as it was written',
    '{"a":1.50e0,"b":{"c" : -0, "d":[1e2, 12345678901234567890]},"\\u0065":"\\u00e9"}',
    [{ op: 'default', path: '/z', value: 'new' }],
    '{"a":1.50e0,"b":{"c" : -0, "d":[1e2, 12345678901234567890]},"\\u0065":"\\u00e9","z":"new"}',
  ],
  [
    'a number moves as it was written',
    '{"a":1.50e0}',
    [{ op: 'move', from: '/a', path: '/b' }],
    '{"b":1.50e0}',
  ],
  [
    'into an object that is made',
    '{"city":"Köln","n":1}',
    [{ op: 'move', from: '/city', path: '/address/city' }],
    '{"n":1,"address":{"city":"Köln"}}',
  ],
  [
    'out of an object',
    '{"address":{"city":"a","zip":007}}'.replace('007', '7e0'),
    [{ op: 'move', from: '/address/zip', path: '/zip' }],
    '{"address":{"city":"a"},"zip":7e0}',
  ],
  ['what is absent does not move', '{"a":1}', [{ op: 'move', from: '/b', path: '/c' }], '{"a":1}'],
  ['null moves', '{"a":null}', [{ op: 'move', from: '/a', path: '/c' }], '{"c":null}'],
  ['a copy stays', '{"a":{"b":1}}', [{ op: 'copy', from: '/a', path: '/c' }], '{"a":{"b":1},"c":{"b":1}}'],
  [
    'a copy changes by itself',
    '{"a":{"b":1}}',
    [
      { op: 'copy', from: '/a', path: '/c' },
      { op: 'remove', path: '/c/b' },
    ],
    '{"a":{"b":1},"c":{}}',
  ],
  ['a default leaves what is there', '{"a":null}', [{ op: 'default', path: '/a', value: 1 }], '{"a":null}'],
  [
    'any JSON may be a default',
    '{}',
    [{ op: 'default', path: '/a/b', value: { c: [true, 'x"y'] } }],
    '{"a":{"b":{"c":[true,"x\\"y"]}}}',
  ],
  ['remove', '{"a":1,"b":{"c":2,"d":3}}', [{ op: 'remove', path: '/b/c' }], '{"a":1,"b":{"d":3}}'],
  ['nothing is removed', '{"a":1}', [{ op: 'remove', path: '/b/c' }], '{"a":1}'],
  ['nothing goes into a text', '{"a":"x"}', [{ op: 'default', path: '/a/b', value: 1 }], '{"a":"x"}'],
  ['nothing goes into a list', '{"a":[1]}', [{ op: 'default', path: '/a/0', value: 2 }], '{"a":[1]}'],
  [
    'names with signs of pointers',
    '{"a/b":1,"m~n":2}',
    [
      { op: 'move', from: '/a~1b', path: '/x~0y' },
      { op: 'remove', path: '/m~0n' },
    ],
    '{"x~y":1}',
  ],
  ['an escaped name is the same name', '{"\\u0061":1}', [{ op: 'move', from: '/a', path: '/b' }], '{"b":1}'],
  [
    'a name of the language is a name',
    '{}',
    [{ op: 'default', path: '/constructor/x', value: 1 }],
    '{"constructor":{"x":1}}',
  ],
  ['no step at all', ' { "a" : 1 } ', [], ' { "a" : 1 } '],
])('%s', (_, body, steps, wanted) => {
  expect(upgraded(body, ...steps)).toBe(wanted)
  expect(() => JSON.parse(wanted)).not.toThrow()
})

test('steps are taken one after the other', () => {
  const steps: Step[] = [
    { op: 'move', from: '/a', path: '/b' },
    { op: 'copy', from: '/b', path: '/c' },
    { op: 'remove', path: '/b' },
    { op: 'default', path: '/b', value: 2 },
  ]
  expect(upgraded('{"a":1e0}', ...steps)).toBe('{"c":1e0,"b":2}')
})

test.each([
  [['a'], '1e0'],
  [['b', 'c'], '"\\u00e9"'],
  [['b'], '{"c":"\\u00e9"}'],
  [['b', 'x'], undefined],
  [['a', 'x'], undefined],
])('the text at %j is %s', (path, text) => {
  expect(textAt('{"a":1e0,"b":{"c":"\\u00e9"}}', path)).toBe(text)
})

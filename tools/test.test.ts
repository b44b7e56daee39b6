import { expect, test } from 'vitest'
import { judge, parseSelection } from './test.ts'

test('without arguments all four projects run, the quickest first', () => {
  expect(parseSelection([])).toEqual({ projects: ['unit', 'api', 'data', 'node'], filters: [] })
})

test('projects, files and name patterns are selected', () => {
  expect(parseSelection(['--project', 'data', '--project', 'unit', 'crds', '-t', 'a name', '-u'])).toEqual({
    projects: ['unit', 'data'],
    filters: ['crds', '--testNamePattern=a name', '--update'],
  })
})

test('an unknown project is refused by name', () => {
  expect(() => parseSelection(['--project', 'units'])).toThrow(
    "unknown project 'units'; known: unit, api, data, node",
  )
})

test.each([
  ['a good run stands as it is', judge(0, { passed: 3, failed: 0 }, false), { passed: 3, failed: 0 }],
  ['failed tests stand as they are', judge(1, { passed: 3, failed: 2 }, false), { passed: 3, failed: 2 }],
  ['a crash without a result is a failure', judge(139, undefined, false), { passed: 0, failed: 1 }],
  [
    'an exit code without a failed test is a failure',
    judge(1, { passed: 3, failed: 0 }, false),
    { passed: 3, failed: 1 },
  ],
  [
    'a project without tests is a failure',
    judge(0, { passed: 0, failed: 0 }, false),
    { passed: 0, failed: 1 },
  ],
  [
    'a selection may leave a project empty',
    judge(0, { passed: 0, failed: 0 }, true),
    { passed: 0, failed: 0 },
  ],
])('%s', (_sentence, judged, wanted) => {
  expect(judged).toMatchObject(wanted)
})

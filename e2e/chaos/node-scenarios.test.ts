import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '#tools/workspace.ts'
import { scenarios, testArguments } from './node-scenarios.ts'

test('scenarios are files of the node project', () => {
  expect(testArguments(['at-rest', 'a-node-lost'])).toEqual([
    '--project',
    'node',
    'e2e/scenarios/at-rest.',
    'e2e/scenarios/a-node-lost.',
  ])
})

test.each(Object.keys(scenarios))('%s is one file', name => {
  const files = readdirSync(join(root, 'e2e', 'scenarios')).filter(file => file.startsWith(`${name}.`))
  expect(files).toHaveLength(1)
})

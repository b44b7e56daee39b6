import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '#tools/workspace.ts'
import { scenarios, testArguments } from './chaos.ts'

test('without arguments all scenarios run, on the cluster', () => {
  const files = Object.keys(scenarios).map(name => `e2e/scenarios/${name}.`)
  expect(testArguments([])).toEqual(['--project', 'node', ...files])
})

test('some are selected by name', () => {
  expect(testArguments(['at-rest'])).toEqual(['--project', 'node', 'e2e/scenarios/at-rest.'])
})

test('an unknown scenario is refused by name', () => {
  expect(() => testArguments(['at-work'])).toThrow("unknown scenario 'at-work'; known: a-node-lost")
})

test.each(Object.keys(scenarios))('%s is one file', name => {
  const files = readdirSync(join(root, 'e2e', 'scenarios')).filter(file => file.startsWith(`${name}.`))
  expect(files).toHaveLength(1)
})

import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { kubectl } from './kubectl.ts'

test('a command works from any namespace', () => {
  expect(kubectl({ namespace: 'shop' }, 'logs job/x')).toBe('kubectl -n shop logs job/x')
})

/** Of what is in no namespace. */
const ofTheCluster = ['kubectl uncordon', 'kubectl get dsclass']

test('no message writes one by itself', () => {
  const sources = globSync('operator/{status,reconcile}/**/*.ts').filter(path => !path.endsWith('.test.ts'))
  expect(sources.length).toBeGreaterThan(50)
  const commands = sources.flatMap(path => {
    const code = readFileSync(path, 'utf8').replace(/\/\*\*.*?\*\//gs, '')
    return [...code.matchAll(/\bkubectl [a-z]+( dsclass)?/g)].map(([command]) => command)
  })
  expect([...new Set(commands)].sort()).toEqual(ofTheCluster.toSorted())
})

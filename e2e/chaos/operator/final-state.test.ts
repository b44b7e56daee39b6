import { expect, test } from 'vitest'
import { differences, finalState } from './final-state.ts'

const object = (namespace: string, { hash = 'aaaaaaaa', replicas = 1, name = 'one' } = {}) => ({
  apiVersion: 'v1',
  kind: 'Deployment',
  metadata: {
    name: `${name}-${hash}`,
    namespace,
    uid: 'u',
    resourceVersion: '5',
    annotations: { at: '2026-01-01T00:00:00Z', hash },
  },
  spec: { replicas, host: `a.${namespace}.svc` },
})

test('versions, times, hashes and the namespace make no difference', () => {
  const [left, right] = [object('a-1'), object('b-2', { hash: 'bbbbbbbb' })]
  expect(differences(finalState('a-1', [left]), finalState('b-2', [right]))).toEqual([])
})

test('a value, a missing and a further object do', () => {
  const state = (...objects: ReturnType<typeof object>[]) => finalState('a-1', objects)
  const one = object('a-1')
  expect(differences(state(one), state(object('a-1', { replicas: 2 })))).toHaveLength(1)
  expect(differences(state(one), state())).toEqual(['Deployment/one-#0 is missing'])
  expect(differences(state(one), state(one, object('a-1', { name: 'two' })))).toEqual([
    'Deployment/two-#0 is left over',
  ])
})

test('hashes that agree in one and not in the other are a difference', () => {
  const pair = (second: string) =>
    finalState('a-1', [object('a-1'), object('a-1', { name: 'two', hash: second })])
  expect(differences(pair('aaaaaaaa'), pair('cccccccc'))).not.toEqual([])
})

test('of a Secret the keys count, not the random values', () => {
  const secret = (password: string, more = {}) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'one', namespace: 'a-1' },
    data: { password, ...more },
  })
  const state = (...given: Parameters<typeof secret>) => finalState('a-1', [secret(...given)])
  expect(differences(state('one'), state('two'))).toEqual([])
  expect(differences(state('one'), state('two', { more: '' }))).toHaveLength(1)
})

import { expect, test } from 'vitest'
import { type LiftedVersion, liftingTo, placeOf, upgraderBetween } from './lifting.ts'

const versions: readonly LiftedVersion[] = [
  { name: 'v1', upgrade: [] },
  { name: 'v2', upgrade: [{ op: 'move', from: '/a', path: '/b' }] },
  { name: 'v3', upgrade: [{ op: 'default', path: '/c', value: 3 }] },
]

test.each([
  ['v1', '{"a":1e0}', { body: '{"b":1e0,"c":3}', version: 'v3' }],
  ['v2', '{"a":1e0}', { body: '{"a":1e0,"c":3}', version: 'v3' }],
  ['v3', '{"a":1e0}', { body: '{"a":1e0}', version: 'v3' }],
  ['1a2b3c4d', '{"a":1}', { body: '{"b":1,"c":3}', version: 'v3' }],
  ['v4', '{"a":1}', { body: '{"a":1}', version: 'v4' }],
])('a record of %s', (version, body, lifted) => {
  expect(liftingTo(versions)?.lift(body, version)).toEqual(lifted)
})

test('one version alone changes nothing', () => {
  expect([liftingTo(versions.slice(0, 1)), liftingTo([])]).toEqual([undefined, undefined])
})

test('between two versions only the steps between them are taken', () => {
  const [from, to] = [placeOf(versions, 'v1') ?? 0, placeOf(versions, 'v2') ?? 0]
  expect(upgraderBetween(versions, from, to)('{"a":1}')).toBe('{"b":1}')
})

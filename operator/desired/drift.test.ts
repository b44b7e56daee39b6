import { describe, expect, test } from 'vitest'
import { agrees, covers, sealed } from './drift.ts'
import { annotationKeys, type Child } from './labels.ts'

describe('covers', () => {
  test.each([
    ['defaults added by the API server', { a: 1, b: 2 }, { a: 1 }, true],
    ['a changed value', { a: 2 }, { a: 1 }, false],
    ['a missing value', {}, { a: 1 }, false],
    ['a quantity in its canonical form', { cpu: '250m' }, { cpu: '0.25' }, true],
    ['another quantity', { cpu: '251m' }, { cpu: '0.25' }, false],
    ['an empty object that was dropped', {}, { emptyDir: {} }, true],
    ['a named item added by others', [{ name: 'x' }, { name: 'a', v: 1 }], [{ name: 'a' }], true],
    ['a named item that is gone', [{ name: 'x' }], [{ name: 'a' }], false],
    ['a plain list that grew', ['a', 'b'], ['a'], false],
    ['a plain list in another order', ['b', 'a'], ['a', 'b'], false],
    ['a label added to a selector', { selector: { a: '1', b: '2' } }, { selector: { a: '1' } }, false],
    [
      'a label added to the pods of a policy',
      { podSelector: { matchLabels: { a: '1', b: '2' } } },
      { podSelector: { matchLabels: { a: '1' } } },
      false,
    ],
    ['an empty selector that was dropped', {}, { selector: {} }, true],
    ['an undefined member counts as absent', { a: 1 }, { a: 1, b: undefined }, true],
  ])('%s', (_name, observed, wanted, expected) => {
    expect(covers(observed, wanted)).toBe(expected)
  })
})

describe('agrees', () => {
  const owner = {
    apiVersion: 'v1',
    kind: 'X',
    name: 'o',
    uid: 'u',
    controller: true as const,
    blockOwnerDeletion: true as const,
  }
  const built: Child<{ data: Record<string, string> }> = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', namespace: 'n', labels: { l: '1' }, ownerReferences: [owner] },
    data: { x: '1', y: '2' },
  }
  const desired = sealed(built)
  const stored = { ...desired, metadata: { ...desired.metadata, uid: 'live' } }

  test('with what was stored', () => {
    expect(agrees(desired, stored)).toBe(true)
  })
  test('not with a field changed by hand', () => {
    expect(agrees(desired, { ...stored, data: { x: '1', y: '3' } } as typeof stored)).toBe(false)
  })
  test('not when a field was dropped from the wish, although the rest is there', () => {
    expect(agrees(sealed({ ...built, data: { x: '1' } }), stored)).toBe(false)
  })
  test('not when the owner reference is gone', () => {
    expect(agrees(desired, { ...stored, metadata: { ...stored.metadata, ownerReferences: [] } })).toBe(false)
  })
  test('the seal does not depend on the order of keys', () => {
    const shuffled = { ...built, data: { y: '2', x: '1' } }
    expect(sealed(shuffled).metadata.annotations?.[annotationKeys.desired]).toBe(
      desired.metadata.annotations?.[annotationKeys.desired],
    )
  })
})

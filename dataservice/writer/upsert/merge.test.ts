import { expect, test } from 'vitest'
import type { AcceptedVersion } from '#dataservice/contract/record-declaration.ts'
import { mergeInto } from './merge.ts'

const needs = (field: string) => (record: unknown) =>
  typeof record === 'object' && record !== null && field in record
    ? undefined
    : { pointer: '', message: `must have ${field}` }

const versions: readonly AcceptedVersion[] = [
  { name: 'v1', upgrade: [], check: needs('a') },
  { name: 'v2', upgrade: [{ op: 'move', from: '/a', path: '/b' }], check: needs('b') },
  { name: 'v3', upgrade: [{ op: 'default', path: '/c', value: 0 }], check: needs('c') },
]
const merge = (body: string, was: string, patch: string, is: string) =>
  mergeInto({ versions })('id', { body, schemaVersion: was }, { body: patch, schemaVersion: is })

test.each([
  ['in its own version', '{"a":1e0}', 'v1', '{"x":2}', 'v1', '{"a":1e0,"x":2}'],
  ['in a later version', '{"a":1e0}', 'v1', '{"x":2}', 'v2', '{"b":1e0,"x":2}'],
  ['in the last one', '{"a":1e0}', 'v1', '{"c":2}', 'v3', '{"b":1e0,"c":2}'],
  ['of the time before versions', '{"a":1e0}', '1a2b3c4d', '{"x":2}', 'v2', '{"b":1e0,"x":2}'],
])('a patch %s meets the record in that form', (_, body, was, patch, is, merged) => {
  expect(merge(body, was, patch, is)).toEqual({ kind: 'merged', body: merged })
})

test('a patch in an older version than the record is refused with the version to send it in', () => {
  expect(merge('{"b":1}', 'v2', '{"a":2}', 'v1')).toEqual({
    kind: 'invalid',
    reason: 'the record has the form of version v2: send the patch in that one',
  })
})

test('the result is judged by the version of the patch', () => {
  expect(merge('{"a":1}', 'v1', '{"b":null}', 'v2')).toMatchObject({ kind: 'invalid' })
  expect(merge('{"a":1}', 'v1', '{"b":null}', 'v1')).toMatchObject({ kind: 'merged' })
})

test.each(['{"a":oops}', '{"\\x":1}'])('a record that is no JSON, %s, stops nobody', record => {
  for (const version of ['v1', 'v2'])
    expect(merge(record, 'v1', '{"x":1}', version)).toEqual({
      kind: 'invalid',
      reason: 'the record is no JSON',
    })
})

import { expect, test, vi } from 'vitest'
import { mergePatch } from './merge-patch.ts'

/** The table of RFC 7396, appendix A. */
test.each([
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', 'null', 'null'],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
])('%s with %s is %s', (target, patch, merged) => {
  expect(mergePatch(target, patch)).toBe(merged)
})

test('numbers and texts stay as they were written, on both sides', () => {
  const target =
    '{"n":1e2, "big":12345678901234567890.10,"t":"\\u00e9\\"}{,:", "o": {"x": -0 , "l": [ 1.0, {"y":2} ]}}'
  expect(mergePatch(target, '{ "m" : 0.10E+5, "o": {"z": 1.50} }')).toBe(
    '{"n":1e2,"big":12345678901234567890.10,"t":"\\u00e9\\"}{,:","o":{"x":-0,"l":[ 1.0, {"y":2} ],"z":1.50},"m":0.10E+5}',
  )
})

test('a name is the same however it is written, and never one of the prototype', () => {
  expect(mergePatch('{"\\u0061":1,"__proto__":2}', '{"a":2,"__proto__":{"b":3}}')).toBe(
    '{"\\u0061":2,"__proto__":{"b":3}}',
  )
})

test('long texts and deep values cost no recursion into what is not touched', () => {
  const deep = `${'['.repeat(60)}${']'.repeat(60)}`
  const text = 'x\\"'.repeat(200_000)
  expect(mergePatch(`{"d":${deep},"t":"${text}"}`, '{"d2":1}')).toBe(`{"d":${deep},"t":"${text}","d2":1}`)
})

test('what is no JSON comes to an end', () => {
  for (const target of [
    '{',
    '{"',
    '{"a',
    '{"a"',
    '{"a":',
    '{"a":"',
    '{"a":{',
    '{"a":[{"b"',
    '{"a":}',
    '{"a",1',
    '{a:1}',
  ])
    expect(mergePatch(target, '{"x":1}')).toContain('"x":1')
})

/** How often a character or a token is looked at. */
function looks(work: () => void): number {
  const spies = [vi.spyOn(String.prototype, 'charCodeAt'), vi.spyOn(RegExp.prototype, 'exec')]
  work()
  const count = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0)
  for (const spy of spies) spy.mockRestore()
  return count
}

const nested = (depth: number, inner: string) => `${'{"a":'.repeat(depth)}${inner}${'}'.repeat(depth)}`
const long = `"l":[${Array(2_000).fill(1)}]`

test.each([
  ['a long record', long, '"x":1'],
  ['a long patch', '"x":1', long],
])('%s costs the same however deep it is nested', (_, target, patch) => {
  const merge = (depth: number) => () => {
    const text = mergePatch(nested(depth, `{${target}}`), nested(depth, `{${patch}}`))
    expect(text).toBe(nested(depth, `{${target},${patch}}`))
  }
  expect(looks(merge(62))).toBeLessThan(2 * looks(merge(1)))
})

test('any pair comes out as an implementation on parsed values says', () => {
  const values = ['1', 'null', '"a"', '[null,1]', '{}', '{"a":null,"b":1}', '{"a":{"b":2},"c":[]}', '{"a":3}']
  for (const target of values)
    for (const patch of values)
      expect(JSON.parse(mergePatch(target, patch))).toEqual(merged(JSON.parse(target), JSON.parse(patch)))
})

type Json = null | number | string | Json[] | { [name: string]: Json }

/** The pseudo code of the RFC. */
function merged(target: Json | undefined, patch: Json): Json {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch
  const result: { [name: string]: Json } =
    target !== null && typeof target === 'object' && !Array.isArray(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = merged(result[name], value)
  }
  return result
}

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonLines } from './json-lines.ts'
import { codeOf } from './testing/contract-objects.ts'

async function* inChunks(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  let start = 0
  for (const end of ends) {
    yield bytes.subarray(start, end)
    start = end
  }
}

async function valuesOf(text: string, cuts: readonly number[] = [], maxBytes = 1000): Promise<unknown[]> {
  const values: unknown[] = []
  for await (const value of jsonLines(inChunks(Buffer.from(text), cuts), maxBytes)) values.push(value)
  return values
}

test('values are the same wherever the bytes are cut, also inside a letter', async () => {
  const cases = fc.asyncProperty(
    fc.array(fc.jsonValue(), { maxLength: 8 }),
    fc.array(fc.nat(), { maxLength: 12 }),
    async (values, cuts) => {
      const text = values.map(value => `${JSON.stringify({ value, umlaut: 'ä€😀' })}\n`).join('')
      const plain: unknown[] = text
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line))
      expect(await valuesOf(text, cuts, 1_000_000)).toEqual(plain)
    },
  )
  await fc.assert(cases, { numRuns: 200 })
})

test('a last line without its end is dropped', async () => {
  expect(await valuesOf('{"a":1}\n{"a":2}')).toEqual([{ a: 1 }])
})

test('empty lines and carriage returns mean nothing', async () => {
  expect(await valuesOf('\n{"a":1}\r\n\n')).toEqual([{ a: 1 }])
})

test('a line that is no JSON is an error', async () => {
  expect(await codeOf(valuesOf('{"a":1}\noops\n'))).toBe('Protocol')
})

test('a line that is too long is an error, complete or not', async () => {
  expect(await codeOf(valuesOf(`"${'x'.repeat(100)}"\n`, [], 50))).toBe('Protocol')
  expect(await codeOf(valuesOf('x'.repeat(100), [20, 40, 60, 80], 50))).toBe('Protocol')
  expect(await valuesOf(`"${'x'.repeat(48)}"\n`, [20], 50)).toHaveLength(1)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseProgress, progressText } from './writer-progress.ts'

test('what a writer says is read as it was meant, whatever the offsets', () => {
  const positions = fc.array(fc.tuple(fc.nat({ max: 255 }), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })))
  fc.assert(
    fc.property(positions, entries => {
      const stored = new Map(entries)
      expect(parseProgress(progressText({ stored }))?.stored).toEqual(stored)
    }),
  )
})

test('256 partitions with the largest offsets fit into what the operator reads of a pod', () => {
  const stored = new Map(Array.from({ length: 256 }, (_, partition) => [partition, 2n ** 63n - 1n]))
  expect(Buffer.byteLength(progressText({ stored }))).toBeLessThan(32 * 1024)
})

test.each([
  '',
  'not found\n',
  '[]',
  '{}',
  '{"stored":[1]}',
  '{"stored":{"0":1}}',
  '{"stored":{"0":"-1"}}',
  '{"stored":{"x":"1"}}',
])('%j says nothing', text => {
  expect(parseProgress(text)).toBeUndefined()
})

test('its load is read too; one that is not whole is none', () => {
  const load = { arrived: 10.5, storing: 9, waiting: 4, waitingSeconds: 0.5, commitSeconds: 0.02, busy: 0.3 }
  const stored = new Map([[0, 7n]])
  expect(parseProgress(progressText({ stored, load }))).toEqual({ stored, load })
  expect(parseProgress('{"stored":{},"load":{"arrived":1}}')).toEqual({ stored: new Map() })
  expect(parseProgress(progressText({ stored, load: { ...load, busy: -1 } }))).toEqual({ stored })
})

import { expect, test } from 'vitest'
import { listFormat } from './list-format.ts'

test.each([
  [undefined, 'page'],
  ['*/*', 'page'],
  ['text/html, */*;q=0.8', 'page'],
  ['application/x-ndjson', 'ndjson'],
  ['Text/CSV; charset=utf-8', 'csv'],
  ['application/json;q=0.5, text/csv;q=0.9', 'csv'],
  ['text/csv;q=0.1, application/json', 'page'],
  ['text/csv;q=0', 'page'],
  ['constructor', 'page'],
] as const)('%s is answered as %s', (accept, format) => {
  expect(listFormat(accept)).toBe(format)
})

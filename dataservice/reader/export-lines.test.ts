import { expect, test } from 'vitest'
import { csvHeader, csvLines, csvSelection, jsonLines } from './export-lines.ts'

test('CSV quotes what needs it, and doubles quotes', () => {
  expect(csvLines([['1', 'a,b', 'say "hi"', null, 'two\nlines', ' x ']])).toBe(
    '1,"a,b","say ""hi""",,"two\nlines", x \r\n',
  )
})

test('columns are the members of the schema, unless fields are named; none is called like ours', () => {
  expect(csvHeader(csvSelection(undefined, ['id', 'a']))).toBe('id,acceptedAt,schemaVersion,/id,a\r\n')
  expect(csvHeader(csvSelection({ paths: [['a', 'b/c']] }, ['x']))).toBe(
    'id,acceptedAt,schemaVersion,/a/b~1c\r\n',
  )
  expect(csvHeader(csvSelection(undefined, []))).toBe('id,acceptedAt,schemaVersion,record\r\n')
})

test('one record is one line of JSON, however it was written', () => {
  const lines = jsonLines([['i', 't', 'v', '{\r\n "a": "x\\ny" }']], undefined)
  expect(lines).toBe('{"id":"i","acceptedAt":"t","schemaVersion":"v","record":{  "a": "x\\ny" }}\n')
})

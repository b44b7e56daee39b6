import { expect, test } from 'vitest'
import { conflictsOf } from './conflicts.ts'
import type { NewRow } from './decode.ts'

const row = (id: string, bodyHash?: string): NewRow => ({
  offset: 0n,
  eventId: 'e',
  id,
  idTime: 0,
  fields: [],
  bytes: 0,
  ...(bodyHash !== undefined && { bodyHash }),
})

test.each([
  ['different ids', [row('a', '1'), row('b', '2')], {}, []],
  ['the same record twice', [row('a', '1'), row('a', '1')], {}, []],
  ['another body under an id of the batch', [row('a', '1'), row('a', '2'), row('a', '1')], {}, [1]],
  ['another body than the stored one', [row('a', '1')], { a: '2' }, [0]],
  ['the stored body', [row('a', '1')], { a: '1' }, []],
  ['what is stored counts before the first of the batch', [row('a', '1'), row('a', '2')], { a: '2' }, [0]],
  ['rows whose ids cannot come twice', [row('a'), row('a')], {}, []],
])('%s', (_, rows, standing, conflicts) => {
  expect(conflictsOf(rows, new Map(Object.entries(standing))).map(found => rows.indexOf(found))).toEqual(
    conflicts,
  )
})

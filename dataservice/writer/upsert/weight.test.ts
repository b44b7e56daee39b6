import { expect, test } from 'vitest'
import { logRecord, type TestRecord, uuid7At } from '#e2e/engines/records.ts'
import { decode, isReadable, type NewRow } from '../decode.ts'
import { recordsTables } from '../table.ts'
import { firstTooMany } from './weight.ts'

function rowsOf(...commands: TestRecord[]): NewRow[] {
  return commands
    .map((command, n) =>
      logRecord(BigInt(n), { key: command.id ?? '', eventId: uuid7At(n), command: 'merge', ...command }),
    )
    .map(each => decode(each, recordsTables.Upsert))
    .filter(isReadable)
}

const patch = (id: string) => ({ id, body: '{}' })
const put = (id: string, bytes: number) => ({
  id,
  body: 'x'.repeat(bytes),
  command: 'replace' as const,
})
const sizes = new Map([
  ['a', 40],
  ['b', 60],
  ['huge', 1_000],
])

test.each<[string, TestRecord[], bigint | undefined]>([
  ['patches that make just as much', [patch('a'), patch('b')], undefined],
  ['the patch that makes more', [patch('a'), patch('b'), patch('a')], 2n],
  ['the first one, whatever it makes', [patch('huge')], undefined],
  ['the one behind a huge one', [patch('huge'), patch('a')], 1n],
  ['a huge one behind others', [patch('a'), patch('huge'), patch('b')], 1n],
  ['records that are replaced and not patched', [put('a', 200), put('huge', 1)], undefined],
  ['a record that came with the batch', [put('new', 60), patch('new'), patch('new')], 2n],
  ['patches of nothing', [patch('none'), patch('none')], undefined],
])('of 100 bytes: %s', (_, commands, offset) => {
  expect(firstTooMany(rowsOf(...commands), sizes, 100)?.offset).toBe(offset)
})

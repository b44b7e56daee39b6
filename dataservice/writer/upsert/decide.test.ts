import { expect, test } from 'vitest'
import { conditionHeaders } from '#dataservice/record/envelope.ts'
import { logRecord, type TestRecord } from '#e2e/engines/records.ts'
import { decode, isReadable, type NewRow } from '../decode.ts'
import { recordsTables } from '../table.ts'
import { type Command, commandOf } from './command.ts'
import { decide, fold, type Merge, type RecordState } from './decide.ts'

const acceptedAt = '2026-03-01T12:00:00.000Z'
const live: RecordState = { version: 3n, acceptedAt, isLive: true, schemaVersion: 'v', body: '{"a":1}' }
const gone: RecordState = { version: 4n, acceptedAt, isLive: false, schemaVersion: 'v' }
const merge: Merge = (_, { body }, patch) => ({
  kind: 'merged',
  body: `${body}+${patch.body}`,
})

const applied = (body: string | undefined) => ({ kind: 'applied', body })
const not = (outcome: string) => expect.objectContaining({ kind: 'unchanged', outcome })

test.each<[string, Partial<Command> & Pick<Command, 'kind'>, RecordState | undefined, unknown]>([
  ['create where nothing is', { kind: 'create' }, undefined, applied('new')],
  ['create what was deleted', { kind: 'create' }, gone, applied('new')],
  ['create what is there', { kind: 'create' }, live, not('id-conflict')],
  ['replace what is there', { kind: 'replace' }, live, applied('new')],
  ['replace where nothing is', { kind: 'replace' }, undefined, applied('new')],
  ['replace only if new, and it is', { kind: 'replace', onlyNew: true }, gone, applied('new')],
  ['replace only if new, and it is not', { kind: 'replace', onlyNew: true }, live, not('version-conflict')],
  ['replace the version', { kind: 'replace', ifMatch: ['2', '3'] }, live, applied('new')],
  ['replace another version', { kind: 'replace', ifMatch: ['30'] }, live, not('version-conflict')],
  ['replace any, and there is none', { kind: 'replace', ifMatch: '*' }, gone, not('version-conflict')],
  ['replace the version of a deletion', { kind: 'replace', ifMatch: ['4'] }, gone, not('version-conflict')],
  ['patch', { kind: 'merge' }, live, applied('{"a":1}+new')],
  ['patch what was deleted', { kind: 'merge' }, gone, not('absent')],
  ['delete', { kind: 'delete', ifMatch: '*' }, live, applied(undefined)],
  ['delete where nothing is', { kind: 'delete' }, undefined, not('absent')],
])('%s', (_, command, state, decision) => {
  const asked = { id: 'a', body: 'new', schemaVersion: 'v', command: { onlyNew: false, ...command } }
  expect(decide(state, asked, merge)).toEqual(decision)
})

function row(offset: number, record: TestRecord): NewRow {
  const decoded = decode(logRecord(BigInt(offset), { key: record.id ?? '', ...record }), recordsTables.Upsert)
  if (!isReadable(decoded)) throw new Error(decoded.unreadable)
  return decoded
}

const event = (n: number) => `019ca945-0a00-7000-8000-00000000000${n}`

test('a batch decides each event once, each on what the ones before it made', () => {
  const first = row(0, { id: 'a', eventId: event(1), body: '{}' })
  const rows = [
    first,
    { ...first, offset: 1n }, // the log has it twice
    row(2, { id: 'a', eventId: event(2), body: '{"b":2}', command: 'merge' }),
    row(3, {
      id: 'a',
      eventId: event(3),
      body: '',
      command: 'delete',
      headers: { [conditionHeaders.ifMatch]: '1' },
    }),
    row(4, { id: 'b', eventId: event(4), body: '{}' }), // decided in an earlier life of the writer
    row(5, { id: 'c', eventId: event(5), body: '{}' }),
  ]
  const known = new Map([
    [event(4), { outcome: 'id-conflict' } as const],
    [event(5), {}],
  ])
  const { decided, changed, outcomes } = fold(rows, { states: new Map(), known, merge })
  expect(decided.map(({ row: { offset }, version }) => [offset, version])).toEqual([
    [0n, 1n],
    [2n, 2n],
    [3n, undefined],
  ])
  expect(changed.map(({ row: { id }, version, body }) => [id, version, body])).toEqual([
    ['a', 2n, '{}+{"b":2}'],
  ])
  expect(outcomes.map(({ row: { offset }, outcome }) => [offset, outcome])).toEqual([
    [3n, 'version-conflict'],
    [4n, 'id-conflict'],
  ])
})

test('a batch ends where patches have made enough, at the earliest after one', () => {
  const rows = [1, 2, 3].map(n => row(n, { id: 'a', eventId: event(n), body: '12345', command: 'merge' }))
  const options = { states: new Map([['a', live]]), known: new Map(), merge }
  const until = (most: number) => {
    const { decided, changed, left } = fold(rows, { ...options, most })
    return [decided.length, changed[0]?.version, left?.offset]
  }
  expect(until(1)).toEqual([1, 4n, 2n]) // 13 bytes
  expect(until(13)).toEqual([1, 4n, 2n])
  expect(until(14)).toEqual([2, 5n, 3n]) // 19 more
  expect(until(33)).toEqual([3, 6n, undefined])
})

test.each<[string, TestRecord, string]>([
  ['another key', { id: 'a', key: 'b', body: '{}' }, 'the key is not ce_subject'],
  ['no value to store', { id: 'a', body: '', command: 'replace' }, 'no value'],
  ['an unknown type', { id: 'a', body: '{}', headers: { ce_type: 'x' } }, 'ce_type is no command'],
  ['no event id of ours', { id: 'a', body: '{}', eventId: 'x' }, 'ce_id is no UUIDv7'],
])('a record with %s is unreadable', (_, record, why) => {
  const eventId = record.eventId ?? event(1)
  const decoded = decode(logRecord(0n, { key: record.id ?? '', ...record, eventId }), recordsTables.Upsert)
  expect(decoded).toMatchObject({ unreadable: why })
})

test('conditions are read from the headers of a command', () => {
  const asked = (headers: Record<string, string>) =>
    commandOf(logRecord(0n, { id: 'a', body: '{}', command: 'replace', headers }))
  expect(asked({})).toEqual({ kind: 'replace', onlyNew: false })
  expect(asked({ [conditionHeaders.ifMatch]: '1,22' })).toEqual({
    kind: 'replace',
    onlyNew: false,
    ifMatch: ['1', '22'],
  })
  expect(asked({ [conditionHeaders.ifMatch]: '*' })?.ifMatch).toBe('*')
  expect(asked({ [conditionHeaders.ifNoneMatch]: '*' })?.onlyNew).toBe(true)
})

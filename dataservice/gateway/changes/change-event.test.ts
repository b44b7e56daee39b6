import { expect, test } from 'vitest'
import { appliedHeaders } from '#dataservice/record/envelope.ts'
import { liftingTo } from '#dataservice/record/lifting.ts'
import { logRecord } from '#e2e/engines/records.ts'
import { changeEvent } from './change-event.ts'

const lifting = liftingTo([
  { name: 'v1', upgrade: [] },
  { name: 'v2', upgrade: [{ op: 'move', from: '/a', path: '/b' }] },
])
const change = (headers: Record<string, string>) =>
  logRecord(0n, {
    id: 'x',
    key: 'x',
    body: '{"a":1e0}',
    headers: { [appliedHeaders.version]: '4', ce_schemaversion: 'v1', ...headers },
  })

test('a change of an older version is told in the form of the newest; a deletion has no form', () => {
  const text = changeEvent(change({}), lifting)?.text.toString()
  expect(text).toMatch(/"version":4,.*"command":"create",.*"schemaVersion":"v2","record":\{"b":1e0\}\}$/)
  const gone = changeEvent(
    { ...change({ ce_type: 'dev.dataservice.record.deleted' }), value: undefined },
    lifting,
  )
  expect(gone?.text.toString()).toMatch(/"command":"delete",.*"schemaVersion":"v1","record":null\}$/)
})

test.each([{ [appliedHeaders.version]: 'x' }, { ce_type: 'y' }, { ce_subject: '' }, { ce_time: 'z' }])(
  'with %j it is none of ours',
  headers => expect(changeEvent(change(headers))).toBeUndefined(),
)

import { expect, test } from 'vitest'
import { oddReads, untrueReads } from './odd-reads.ts'
import type { Read } from './reading-load.ts'

const read = (changes: Partial<Read> = {}): Read => ({
  kind: 'token',
  status: 200,
  isAsked: true,
  said: '',
  at: 0,
  tookMs: 3,
  ...changes,
})
const good = read()

test.each([
  ['a write that is shown', read(), []],
  ['a write that is not stored yet', read({ status: 504, isAsked: false }), []],
  ['a write that is denied', read({ status: 404, isAsked: false }), ['hides the write of its token']],
  ['another record', read({ isAsked: false }), ['another record than the one that was asked for']],
  ['an answer that is late', read({ tookMs: 101 }), ['too late']],
  ['504 that is late', read({ status: 504, isAsked: false, tookMs: 101 }), ['too late']],
  ['a failure', read({ status: 503, isAsked: false }), ['failed']],
  ['no answer', read({ status: 0, isAsked: false }), ['failed']],
  ['a page', read({ kind: 'page', tookMs: 101 }), []],
  ['a page in no time', read({ kind: 'page', status: 504, isAsked: false }), ['failed']],
  [
    'a record that is denied',
    read({ kind: 'record', status: 404, isAsked: false }),
    ['hides a record that is stored'],
  ],
])('%s', (_, each, faults) => {
  const found = oddReads([good, each], 100)
  expect(found.map(text => text.split(':')[0])).toEqual(faults)
})

test('a failure is not untrue, a denial is', () => {
  const denied = read({ status: 404, isAsked: false, said: '{}' })
  expect(untrueReads([read({ status: 503, isAsked: false }), denied])).toEqual([
    'hides the write of its token: GET token 404 in 3 ms {}',
  ])
})

test('a token that never shows its write is found out', () => {
  expect(oddReads([read({ status: 504, isAsked: false })])).toEqual(['no GET showed the write of its token'])
})

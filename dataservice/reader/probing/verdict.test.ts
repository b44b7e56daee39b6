import { expect, test } from 'vitest'
import { endToEndText, parseEndToEnd } from '#dataservice/contract/end-to-end.ts'
import { endToEndOf, type ProbeOutcome } from './verdict.ts'

const passed = (tookMs?: number): ProbeOutcome => ({
  kind: 'passed',
  ...(tookMs !== undefined && { tookMs }),
})
const stuck = (at: 'kafka' | 'writer'): ProbeOutcome => ({ kind: 'stuck', at, detail: 'why' })
const untold: ProbeOutcome = { kind: 'untold' }

test.each<[string, ProbeOutcome[], ReturnType<typeof endToEndOf>]>([
  ['nothing yet', [], undefined],
  ['a gateway that knows no probes', [untold, untold], undefined],
  ['one that got stuck may be chance', [stuck('kafka')], undefined],
  ['one among others, too', [passed(10), stuck('kafka')], { quickestMs: 10 }],
  ['two in a row', [passed(10), stuck('kafka'), stuck('writer')], { brokenAt: 'writer', detail: 'why' }],
  ['it comes through again', [stuck('writer'), stuck('writer'), passed(30)], { quickestMs: 30 }],
  ['the quickest counts', [passed(900), passed(20), passed(500)], { quickestMs: 20 }],
  ['where another pod probes, too, nobody knows how quick they all were', [passed(900), passed()], {}],
])('%s', (_, outcomes, told) => {
  expect(endToEndOf(outcomes, true)).toEqual(told)
})

test('a service that is coming up is called stuck only after a while', () => {
  const row = (length: number) => Array.from({ length }, () => stuck('writer'))
  expect(endToEndOf(row(5), false)).toBeUndefined()
  expect(endToEndOf(row(6), false)).toEqual({ brokenAt: 'writer', detail: 'why' })
})

test('what a reader spells the operator reads', () => {
  for (const told of [
    {},
    { quickestMs: 12.5, passedAgoMs: 3 },
    { brokenAt: 'kafka', detail: 'why' } as const,
  ])
    expect(parseEndToEnd(endToEndText(told))).toEqual(told)
})

test.each(['', '{}', '[]', 'null', '{"endToEnd":1}', '{"endToEnd":{"brokenAt":"moon"}}', '{"stored":{}}'])(
  'other words tell nothing: %s',
  text => {
    expect(parseEndToEnd(text)).toBeUndefined()
  },
)

test('a long detail is cut', () => {
  const told = parseEndToEnd(endToEndText({ brokenAt: 'kafka', detail: 'x'.repeat(5_000) }))
  expect(told?.detail).toHaveLength(300)
})

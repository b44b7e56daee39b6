/** `onError: HoldKey`: records behind a refused one with the same key wait, in order, until somebody lets them go. */
import { expect, test, vi } from 'vitest'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { record, soon, heldWorld as world } from './testing/held-world.ts'

test('later records of a refused key wait, in its batch and after it; others are stored, and those when they may', async () => {
  const { start, stored, waiting, outcomes, untilNext, letGo } = await world()
  const { assignment, metrics } = await start()
  await assignment.records(0, [record(0, 'a'), record(1, 'a', '{'), record(2, 'b'), record(3, 'a')])
  await untilNext(4)
  await assignment.records(0, [record(4, 'a'), record(5, 'b')])
  await untilNext(6)
  expect([await stored('a'), await stored('b'), await waiting()]).toEqual([['0'], ['2', '5'], ['3', '4']])
  expect(await outcomes()).toEqual([
    ['1', 'refused'],
    ['3', 'held'],
    ['4', 'held'],
  ])
  assignment.release()
  expect((await metrics.heldKeys.get()).values).toMatchObject([{ value: 1 }])
  await assignment.records(0, [record(6, 'a')])
  await untilNext(7)
  expect(await waiting()).toEqual(['3', '4', '6'])
  await letGo()
  assignment.release()
  await vi.waitFor(async () => expect(await stored('a')).toEqual(['0', '3', '4', '6']), soon)
  expect([await waiting(), await outcomes()]).toEqual([[], [['1', 'refused']]])
  await assignment.records(0, [record(7, 'a')])
  await untilNext(8)
  expect(await stored('a')).toEqual(['0', '3', '4', '6', '7'])
})

test('the next writer knows what is held; a refused one among the held holds those behind it', async () => {
  const { start, rows, stored, waiting, untilNext, letGo } = await world()
  const first = await start()
  const last = record(3, 'a')
  await first.assignment.records(0, [record(0, 'a', '{'), record(1, 'a'), record(2, 'a', '['), last])
  await untilNext(4)
  first.assignment.revoked()
  const { assignment } = await start()
  await assignment.records(0, [last, record(4, 'a')])
  await untilNext(5)
  expect([await stored('a'), await waiting()]).toEqual([[], ['1', '2', '3', '4']])
  await letGo()
  assignment.release()
  await vi.waitFor(async () => expect(await waiting()).toEqual(['3', '4']), soon)
  expect(await stored('a')).toEqual(['1'])
  expect(await rows('SELECT log_offset, blocks FROM dead_letters ORDER BY 1')).toEqual([
    ['0', 'f'],
    ['2', 't'],
  ])
})

test('a record that cannot be read holds its key, too', async () => {
  const { start, stored, waiting, untilNext } = await world()
  const { assignment } = await start()
  const foreign: LogRecord = { ...record(0, 'a'), headers: new Map([[envelope.eventId, Buffer.from('x')]]) }
  await assignment.records(0, [foreign, record(1, 'a'), record(2, 'b')])
  await untilNext(3)
  expect([await stored('a'), await stored('b'), await waiting()]).toEqual([[], ['2'], ['1']])
})

test('after a COMMIT without an answer nothing overtakes what was refused in it', async () => {
  const { start, stored, waiting, untilNext } = await world()
  const { assignment, proxy } = await start()
  proxy.failAt('COMMIT', 'cut-after')
  await assignment.records(0, [record(0, 'a', '{'), record(1, 'b')])
  await proxy.happened()
  await assignment.records(0, [record(2, 'a'), record(3, 'b')])
  await untilNext(4)
  expect([await stored('a'), await stored('b'), await waiting()]).toEqual([[], ['1', '3'], ['2']])
})

test.each(['cut-after', 'cut-before'] as const)(
  'records that go are stored once and in order, also when their COMMIT has no answer (%s)',
  async fault => {
    const { start, stored, waiting, outcomes, untilNext, letGo } = await world()
    const { assignment, proxy } = await start()
    await assignment.records(0, [record(0, 'a', '{'), record(1, 'a'), record(2, 'a', '['), record(3, 'a')])
    await untilNext(4)
    await letGo()
    proxy.failAt('COMMIT', fault)
    assignment.release()
    await proxy.happened()
    await assignment.records(0, [record(4, 'a'), record(5, 'b')])
    await untilNext(6)
    assignment.release()
    await vi.waitFor(async () => expect(await stored('a')).toEqual(['1']), soon)
    expect([await stored('b'), await waiting()]).toEqual([['5'], ['3', '4']])
    await letGo()
    assignment.release()
    await vi.waitFor(async () => expect(await stored('a')).toEqual(['1', '3', '4']), soon)
    expect(await outcomes()).toEqual([
      ['0', 'refused'],
      ['2', 'refused'],
    ])
  },
)

test('without HoldKey all may go, before anything newer; with it again nothing of then is held', async () => {
  const { start, stored, waiting, untilNext } = await world()
  const first = await start()
  const last = record(1, 'a')
  await first.assignment.records(0, [record(0, 'a', '{'), last])
  await untilNext(2)
  first.assignment.revoked()
  const off = await start({ holdsKeys: false })
  const log = [record(2, 'a'), record(3, 'a', '{')]
  const next = record(4, 'a')
  await off.assignment.records(0, [last, ...log, next])
  await untilNext(5)
  expect([await stored('a'), await waiting()]).toEqual([['1', '2', '4'], []])
  off.assignment.revoked()
  const { assignment } = await start()
  await assignment.records(0, [next, record(5, 'a')])
  await untilNext(6)
  expect([await stored('a'), await waiting()]).toEqual([['1', '2', '4', '5'], []])
})

test('a log that is read again comes to the same end, whatever waits or has gone', async () => {
  const { start, stored, waiting, outcomes, untilNext, letGo, readAgain } = await world()
  const log = [record(0, 'a'), record(1, 'a', '{'), record(2, 'a'), record(3, 'a', '['), record(4, 'a')]
  const first = await start()
  await first.assignment.records(0, log)
  await untilNext(5)
  await letGo()
  first.assignment.release()
  await vi.waitFor(async () => expect(await waiting()).toEqual(['4']), soon)
  await readAgain()
  const { assignment } = await start()
  await assignment.records(0, log)
  await untilNext(5)
  await letGo()
  await vi.waitFor(async () => {
    assignment.release()
    expect(await waiting()).toEqual([])
  }, soon)
  expect(await stored('a')).toEqual(['0', '2', '4'])
  expect(await outcomes()).toEqual([
    ['1', 'refused'],
    ['3', 'refused'],
  ])
})

test('records of another log at the same offsets take nothing from those that wait', async () => {
  const { start, stored, waiting, untilNext, letGo, readAgain } = await world()
  const first = await start()
  await first.assignment.records(0, [record(0, 'a', '{'), record(1, 'a', '"old"')])
  await untilNext(2)
  await readAgain()
  const { assignment } = await start()
  await assignment.records(0, [record(0, 'a', '"new 0"'), record(1, 'a', '"new 1"')])
  await untilNext(2)
  expect(await waiting()).toEqual(['0', '1', '1'])
  await letGo()
  await vi.waitFor(async () => {
    assignment.release()
    expect(await waiting()).toEqual([])
  }, soon)
  expect((await stored('a')).toSorted()).toEqual(['"new 0"', '"new 1"', '"old"'])
})

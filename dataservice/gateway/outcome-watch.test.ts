import { describe, expect, test, vi } from 'vitest'
import { OutcomeWatch, type OutcomeWatchOptions, type Passed } from './outcome-watch.ts'

const place = (offset: number, partition = 0) => ({
  partition,
  offset: BigInt(offset),
  eventId: `e${offset}`,
})
const never = new AbortController().signal

/** A watch over writers that the test moves. */
function watching(options: Partial<OutcomeWatchOptions> = {}) {
  const state: Passed & { isAway?: boolean } = { next: 0n, outcomes: [] }
  const ask = vi.fn(async (_partition: number, from: bigint, to: bigint) =>
    state.isAway
      ? undefined
      : { ...state, outcomes: state.outcomes.filter(({ offset }) => offset >= from && offset <= to) },
  )
  const watch = new OutcomeWatch({ ask, firstPauseMs: 1, maxPauseMs: 2, ...options })
  return { watch, ask, set: (change: Partial<typeof state>) => void Object.assign(state, change) }
}

test('what the writers have passed is stored unless it is listed under the same event', async () => {
  const { watch, set } = watching()
  set({
    next: 9n,
    outcomes: [
      { offset: 4n, eventId: 'e4', status: 'refused', reason: 'why' },
      { offset: 5n, eventId: 'of another log', status: 'refused' },
    ],
  })
  const decided = await watch.wait([place(3), place(4), place(5), place(8)], never)
  expect(decided.map(outcome => outcome?.status)).toEqual(['stored', 'refused', 'stored', 'stored'])
  expect(decided[1]).toMatchObject({ reason: 'why' })
  expect(watch.waiting).toBe(0)
})

test('one question serves all who wait in a partition; others are asked for apart', async () => {
  const { watch, ask, set } = watching()
  set({ next: 100n })
  const all = Array.from({ length: 50 }, (_, n) => watch.wait([place(n + 10)], never))
  await Promise.all([...all, watch.wait([place(3, 1)], never)])
  expect(ask.mock.calls).toEqual([
    [0, 10n, 59n],
    [1, 3n, 3n],
  ])
})

test('it is asked again until all are decided, and never while nobody waits', async () => {
  vi.useFakeTimers()
  const { watch, ask, set } = watching()
  const first = watch.wait([place(0)], never)
  const second = watch.wait([place(5)], never)
  await vi.advanceTimersByTimeAsync(10)
  set({ next: 3n })
  await vi.advanceTimersByTimeAsync(10)
  expect(await first).toMatchObject([{ status: 'stored' }])
  set({ isAway: true })
  await vi.advanceTimersByTimeAsync(10)
  set({ isAway: false, next: 6n })
  await vi.advanceTimersByTimeAsync(10)
  expect(await second).toMatchObject([{ status: 'stored' }])
  const asked = ask.mock.calls.length
  expect(asked).toBeGreaterThan(10)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(ask).toHaveBeenCalledTimes(asked)
  vi.useRealTimers()
})

describe('what is not known', () => {
  test('when the client waits no longer is undefined, and nobody is asked for it any more', async () => {
    const { watch, set } = watching()
    const gone = new AbortController()
    const waiting = watch.wait([place(0), place(7)], gone.signal)
    set({ next: 1n })
    await vi.waitFor(() => expect(watch.waiting).toBe(1))
    gone.abort()
    expect(await waiting).toEqual([{ status: 'stored' }, undefined])
    expect(watch.waiting).toBe(0)
  })

  test('because too many wait is undefined at once', async () => {
    const { watch, ask } = watching({ maxWaiting: 2 })
    const end = new AbortController()
    const waiting = watch.wait([place(0), place(1)], end.signal)
    expect(await watch.wait([place(2)], never)).toEqual([undefined])
    end.abort()
    await waiting
    expect(ask).not.toHaveBeenCalled()
  })
})

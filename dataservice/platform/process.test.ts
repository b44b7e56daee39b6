import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { jobOf, type Running } from './lifecycle.ts'
import { type LifeContext, live, stopRequests } from './process.ts'

interface World {
  running?: Partial<Running>
  start?: (life: LifeContext) => Promise<Running>
}

/** A process whose steps are written down in order. */
function begin({ running = {}, start }: World = {}) {
  const steps: string[] = []
  const signals = new EventEmitter()
  const role: Running = {
    notReady: () => undefined,
    behindService: true,
    drain: () => void steps.push('drain'),
    stop: async () => void steps.push('stop'),
    done: new Promise(() => {}),
    ...running,
  }
  const life = live({
    start: async context => {
      context.onClose('first', () => void steps.push('close first'))
      context.onClose('second', () => void steps.push('close second'))
      return start ? start(context) : role
    },
    stops: stopRequests(signals),
    log: pino({ level: 'silent' }),
    drainMs: 5_000,
    deadlineMs: 25_000,
  })
  const exit = vi.fn()
  void life.exitCode.then(exit)
  return { life, steps, exit, signal: () => signals.emit('SIGTERM') }
}

const settle = () => vi.advanceTimersByTimeAsync(0)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a server', () => {
  test('ends in order: not ready, endpoints gone, stop, adapters in reverse order, exit 0', async () => {
    const { life, steps, exit, signal } = begin()
    expect(life.notReady()).toBe('starting')
    await settle()
    expect(life.notReady()).toBeUndefined()
    signal()
    await vi.advanceTimersByTimeAsync(4_999)
    expect([life.notReady(), steps]).toEqual(['draining', ['drain']])
    await vi.advanceTimersByTimeAsync(1)
    expect(steps).toEqual(['drain', 'stop', 'close second', 'close first'])
    expect(exit).toHaveBeenCalledWith(0)
  })

  test('that no Service knows stops without waiting', async () => {
    const { steps, exit, signal } = begin({ running: { behindService: false } })
    await settle()
    signal()
    await settle()
    expect(steps).toEqual(['stop', 'close second', 'close first'])
    expect(exit).toHaveBeenCalledWith(0)
  })

  test('says itself why it is not ready', async () => {
    const { life } = begin({ running: { notReady: () => 'the clock is wrong' } })
    await settle()
    expect(life.notReady()).toBe('the clock is wrong')
  })

  test('ends with exit 1 at the second signal', async () => {
    const { exit, signal } = begin()
    await settle()
    signal()
    signal()
    await settle()
    expect(exit).toHaveBeenCalledWith(1)
  })

  test('ends with exit 1 at the deadline when it does not stop', async () => {
    const { exit, signal } = begin({ running: { stop: () => new Promise(() => {}) } })
    await settle()
    signal()
    await vi.advanceTimersByTimeAsync(24_999)
    expect(exit).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(exit).toHaveBeenCalledWith(1)
  })

  test('that fails closes its adapters and ends with exit 1', async () => {
    const { steps, exit } = begin({ running: { done: Promise.reject(new Error('lost')) } })
    await settle()
    expect(steps).toEqual(['close second', 'close first'])
    expect(exit).toHaveBeenCalledWith(1)
  })
})

describe('a job', () => {
  /** Work that a test ends, or the process cuts. */
  function beginWork() {
    const work = Promise.withResolvers<void>()
    const start = async ({ signal }: LifeContext) => {
      signal.addEventListener('abort', () => work.reject(signal.reason))
      return jobOf(work.promise)
    }
    return { work, ...begin({ start }) }
  }

  test('that is done ends with exit 0', async () => {
    const { steps, exit } = begin({ running: { behindService: false, done: Promise.resolve() } })
    await settle()
    expect(steps).toEqual(['stop', 'close second', 'close first'])
    expect(exit).toHaveBeenCalledWith(0)
  })

  test('that is told to stop may finish, and ends with exit 0 when it did', async () => {
    const { work, exit, signal } = beginWork()
    await settle()
    signal()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(exit).not.toHaveBeenCalled()
    work.resolve()
    await settle()
    expect(exit).toHaveBeenCalledWith(0)
  })

  test('that fails after it was told to stop ends with exit 1', async () => {
    const { work, steps, exit, signal } = beginWork()
    await settle()
    signal()
    await settle()
    work.reject(new Error('lost'))
    await settle()
    expect(steps).toEqual(['close second', 'close first'])
    expect(exit).toHaveBeenCalledWith(1)
  })

  test('that is told to stop before its work began ends with exit 1', async () => {
    const { steps, exit, signal } = beginWork()
    signal()
    await settle()
    expect(steps).toEqual(['close second', 'close first'])
    expect(exit).toHaveBeenCalledWith(1)
  })
})

test('a start that fails closes what it opened and ends with exit 1', async () => {
  const { steps, exit } = begin({ start: () => Promise.reject(new Error('no settings')) })
  await settle()
  expect(steps).toEqual(['close second', 'close first'])
  expect(exit).toHaveBeenCalledWith(1)
})

test('a start that waits is given up at the first signal', async () => {
  const { steps, exit, signal } = begin({
    start: ({ signal: hurry }) =>
      new Promise((_, reject) => hurry.addEventListener('abort', () => reject(hurry.reason))),
  })
  await settle()
  signal()
  await settle()
  expect(steps).toEqual(['close second', 'close first'])
  expect(exit).toHaveBeenCalledWith(0)
})

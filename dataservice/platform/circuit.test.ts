import { Registry } from 'prom-client'
import { expect, onTestFinished, test, vi } from 'vitest'
import { CircuitOpen, makeCircuit, measureCircuits, restMs } from './circuit.ts'

class Failure extends Error {}
const fails = () => Promise.reject(new Failure())
/** It stays open for longer than any test takes. */
const make = (openMs = 600_000) =>
  makeCircuit({ isFailure: error => error instanceof Failure, failures: 2, openMs })

test('opens after failures in a row, and then starts nothing', async () => {
  const circuit = make()
  await expect(circuit.run(fails)).rejects.toBeInstanceOf(Failure)
  expect(await circuit.run(async () => 'works')).toBe('works')
  for (let n = 0; n < 2; n++) await expect(circuit.run(fails)).rejects.toBeInstanceOf(Failure)
  expect(circuit.state).toBe('open')
  const work = vi.fn(async () => 1)
  await expect(circuit.run(work)).rejects.toBeInstanceOf(CircuitOpen)
  expect(work).not.toHaveBeenCalled()
})

test('what is no failure of the other side leaves it closed', async () => {
  const circuit = make()
  for (let n = 0; n < 5; n++)
    await expect(circuit.run(() => Promise.reject(new TypeError()))).rejects.toThrow(TypeError)
  expect(circuit.state).toBe('closed')
})

test('one caller tries it; the others do not wait for it', async () => {
  const circuit = make(20)
  for (let n = 0; n < 2; n++) await circuit.run(fails).catch(() => undefined)
  const trial = Promise.withResolvers<string>()
  let tried: Promise<string> | undefined
  await vi.waitFor(() => {
    const attempt = circuit.run(() => trial.promise)
    attempt.catch(() => undefined)
    expect(circuit.state).toBe('half-open')
    tried = attempt
  })
  await expect(circuit.run(async () => 'other')).rejects.toMatchObject({ state: 'half-open' })
  trial.resolve('tried')
  expect(await tried).toBe('tried')
  expect(await circuit.run(async () => 'other')).toBe('other')
})

test('a wall clock that is set back keeps it open no longer', async () => {
  const circuit = make(20)
  for (let n = 0; n < 2; n++) await circuit.run(fails).catch(() => undefined)
  const hourAgo = Date.now() - 3_600_000
  vi.spyOn(Date, 'now').mockImplementation(() => hourAgo)
  onTestFinished(() => void vi.restoreAllMocks())
  await vi.waitFor(async () => expect(await circuit.run(async () => 'works')).toBe('works'))
})

test('a trial that fails opens it again, for longer each time up to ten times the first', async () => {
  const circuit = make(20)
  for (let n = 0; n < 2; n++) await circuit.run(fails).catch(() => undefined)
  await vi.waitFor(async () => expect(circuit.run(fails)).rejects.toBeInstanceOf(Failure))
  expect(circuit.state).toBe('open')
  expect([1, 2, 3, 4, 5, 50].map(times => restMs(times, 100, 1))).toEqual([100, 200, 400, 800, 1_000, 1_000])
  expect(restMs(1, 100, 0)).toBe(50)
})

test('what it was asked before it opened decides nothing after it', async () => {
  const circuit = make(20)
  const late = Promise.withResolvers<string>()
  const early = circuit.run(() => late.promise)
  for (let n = 0; n < 2; n++) await circuit.run(fails).catch(() => undefined)
  late.resolve('works')
  expect(await early).toBe('works')
  expect(circuit.state).toBe('open')
})

test('its state is a metric', async () => {
  const registry = new Registry()
  const circuit = make()
  measureCircuits(registry, { reader: circuit })
  const shown = async () => (await registry.metrics()).match(/state="(\S+)"\} 1/)?.[1]
  expect(await shown()).toBe('closed')
  for (let n = 0; n < 2; n++) await circuit.run(fails).catch(() => undefined)
  expect(await shown()).toBe('open')
})

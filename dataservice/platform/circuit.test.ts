import { Registry } from 'prom-client'
import { expect, test, vi } from 'vitest'
import { CircuitOpen, makeCircuit, measureCircuits } from './circuit.ts'

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

test('its state is a metric', async () => {
  const registry = new Registry()
  const circuit = make()
  measureCircuits(registry, { reader: circuit })
  const shown = async () => (await registry.metrics()).match(/state="(\S+)"\} 1/)?.[1]
  expect(await shown()).toBe('closed')
  for (let n = 0; n < 2; n++) await circuit.run(fails).catch(() => undefined)
  expect(await shown()).toBe('open')
})

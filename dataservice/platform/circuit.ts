/**
 * Circuit breakers: what fails again and again is left alone for a while (open), then tried by one caller (half-open),
 * and used by all again when that one succeeds (closed). Our own, because it has to go by a clock that nobody sets: by that of
 * the wall, a circuit that is open when the clock is set back stays so for as long.
 */
import { Gauge, type Registry } from 'prom-client'
import { backOffAfter } from './back-off.ts'

export const circuitStates = ['closed', 'half-open', 'open'] as const
export type CircuitStateName = (typeof circuitStates)[number]

/** Tells its state to whoever measures. */
export interface Observed {
  readonly state: CircuitStateName
}

export interface Circuit extends Observed {
  /** Rejects with `CircuitOpen` instead of starting work that would fail; else as the work does. */
  run<T>(work: () => Promise<T>): Promise<T>
}

/** Nothing was tried. */
export class CircuitOpen extends Error {
  readonly state: CircuitStateName

  constructor(state: CircuitStateName) {
    super(`the circuit is ${state}`)
    this.state = state
  }
}

export interface CircuitOptions {
  /** Whether a rejection is a failure of what is called, and not of the question. */
  isFailure(error: unknown): boolean
  /** Failures in a row that open it. Default 5. */
  failures?: number
  /** How long it is open the first time, or down to half of it; each time longer, up to ten times that. Default 500 ms. */
  openMs?: number
  /** Hears of every change. */
  onChange?: (state: CircuitStateName) => void
}

/** How long it stays open when it opens for the nth time in a row; `random` is in [0, 1), so that not all try at once. */
export function restMs(times: number, openMs: number, random: number): number {
  return backOffAfter(times, { firstMs: openMs, mostMs: 10 * openMs }, random)
}

export function makeCircuit({ isFailure, failures = 5, openMs = 500, onChange }: CircuitOptions): Circuit {
  let state: CircuitStateName = 'closed'
  /** In a row, while it is closed. */
  let failed = 0
  /** How often it opened since it was closed. */
  let times = 0
  let openUntil = 0
  const become = (next: CircuitStateName): void => {
    state = next
    onChange?.(next)
  }
  const open = (): void => {
    failed = 0
    openUntil = performance.now() + restMs(++times, openMs, Math.random())
    become('open')
  }
  /** Answers whether the caller is the one that tries it. */
  const enter = (): boolean => {
    if (state === 'closed') return false
    if (state === 'half-open' || performance.now() < openUntil) throw new CircuitOpen(state)
    become('half-open')
    return true
  }
  /** Work that began while it was closed decides nothing any more once it is open. */
  const learn = (isTrial: boolean, outcome: 'works' | 'fails' | 'unknown'): void => {
    if (isTrial && outcome === 'fails') open()
    else if (isTrial) {
      times = 0
      become('closed')
    } else if (state === 'closed' && outcome === 'works') failed = 0
    else if (state === 'closed' && outcome === 'fails' && ++failed >= failures) open()
  }
  return {
    get state() {
      return state
    },
    async run(work) {
      const isTrial = enter()
      try {
        const answer = await work()
        learn(isTrial, 'works')
        return answer
      } catch (error) {
        learn(isTrial, isFailure(error) ? 'fails' : 'unknown')
        throw error
      }
    },
  }
}

/** Exports the states of a process's circuits, by name. */
export function measureCircuits(registry: Registry, circuits: Readonly<Record<string, Observed>>): void {
  const gauge = new Gauge({
    name: 'dataservice_circuit_state',
    help: '1 for the state that a circuit breaker is in.',
    labelNames: ['circuit', 'state'],
    registers: [registry],
    collect() {
      for (const [circuit, { state: current }] of Object.entries(circuits))
        for (const state of circuitStates) gauge.set({ circuit, state }, state === current ? 1 : 0)
    },
  })
}

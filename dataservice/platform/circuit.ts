/**
 * Circuit breakers: what fails again and again is left alone for a while (open), then tried by one caller (half-open),
 * and used by all again when that one succeeds (closed).
 */
import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
} from 'cockatiel'
import { Gauge, type Registry } from 'prom-client'

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
  /** How long it is open the first time; each time longer, up to ten times that. Default 500 ms. */
  openMs?: number
  /** Hears of every change. */
  onChange?: (state: CircuitStateName) => void
}

const names: Readonly<Record<CircuitState, CircuitStateName>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
}

export function makeCircuit({ isFailure, failures = 5, openMs = 500, onChange }: CircuitOptions): Circuit {
  const policy = circuitBreaker(handleWhen(isFailure), {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: new ExponentialBackoff({ initialDelay: openMs, maxDelay: 10 * openMs }),
  })
  policy.onStateChange(state => onChange?.(names[state]))
  return {
    get state() {
      return names[policy.state]
    },
    async run(work) {
      // The policy would let all others wait for the one that tries.
      if (policy.state === CircuitState.HalfOpen) throw new CircuitOpen('half-open')
      try {
        return await policy.execute(work)
      } catch (error) {
        throw error instanceof BrokenCircuitError ? new CircuitOpen('open') : error
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

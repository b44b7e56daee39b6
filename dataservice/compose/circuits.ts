/** What is said when a circuit breaker opens or closes. */
import type { Logger } from 'pino'
import type { CircuitStateName } from '#dataservice/platform/circuit.ts'

export const told = (log: Logger, circuit: string) => (state: CircuitStateName) =>
  log.warn({ circuit, state }, 'a circuit changed its state')

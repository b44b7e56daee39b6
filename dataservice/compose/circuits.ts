/** What is said when a circuit breaker opens or closes, and how those of Redis are called. */
import type { Logger } from 'pino'
import type { CircuitStateName, Observed } from '#dataservice/platform/circuit.ts'

export const told = (log: Logger, circuit: string) => (state: CircuitStateName) =>
  log.warn({ circuit, state }, 'a circuit changed its state')

/** `cache`, and where there are several instances `cache-0` and so on. */
export function redisCircuits(
  name: string,
  redis: Observed & { readonly instances: readonly Observed[] },
): Record<string, Observed> {
  const { instances } = redis
  const each = instances.length > 1 ? instances.map((instance, n) => [`${name}-${n}`, instance]) : []
  return { [name]: redis, ...Object.fromEntries(each) }
}

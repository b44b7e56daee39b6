/** The registry of a process, with the metrics of Node itself. */
import { collectDefaultMetrics, Registry } from 'prom-client'

export function makeMetrics(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

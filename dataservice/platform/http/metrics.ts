/** Rate, errors and duration of each route. */
import { Counter, Histogram, type Registry } from 'prom-client'

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** From half a millisecond to the longest deadline. */
const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface Answered {
  method: string
  /** Pattern of the route, undefined when none matched. */
  route: string | undefined
  status: number
  milliseconds: number
}

/** Answers the function that counts one answered request. Labels are bounded: patterns, known methods, classes. */
export function httpMetrics(registry: Registry): (answered: Answered) => void {
  const requests = new Counter({
    name: 'dataservice_http_requests_total',
    help: 'Answered HTTP requests.',
    labelNames: ['route', 'method', 'status'],
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'dataservice_http_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer.',
    labelNames: ['route', 'method'],
    buckets: seconds,
    registers: [registry],
  })
  return ({ method, route = 'unmatched', status, milliseconds }) => {
    const known = methods.has(method) ? method : 'other'
    requests.inc({ route, method: known, status: `${Math.floor(status / 100)}xx` })
    duration.observe({ route, method: known }, milliseconds / 1000)
  }
}

/**
 * The process that makes the load: `LOAD` tells what (`offered.ts`), the result goes to its output as JSON.
 * Requests are due at even times. One that finds no free connection waits, and its waiting counts.
 */
import { createHistogram } from 'node:perf_hooks'
import { order } from '../records.ts'
import { Connection } from './connection.ts'
import type { Load, Offered } from './offered.ts'

/** As many clients as ask at the same time. */
const connections = 512
/** Seconds of arrivals that may wait; then the load is given up. */
const patienceSeconds = 5
/** For the last answers. */
const lastAnswersMs = 10_000
/** Different records; each has its own number, too. */
const templates = 1_000
const digits = 9

const load = JSON.parse(process.env['LOAD'] ?? '') as Load
const requestOf = requests(load)
const total = Math.round(load.perSecond * load.seconds)
const perMs = load.perSecond / 1000
const all = Array.from({ length: connections }, () => new Connection(load.port))
const free = [...all]
const statuses: Record<number, number> = {}
/** Microseconds. */
const latency = createHistogram({ lowest: 1, highest: 120_000_000, figures: 3 })
const cpuBefore = process.cpuUsage()
const start = performance.now()
const over = Promise.withResolvers<void>()
let [arrived, sent, answered, isGivenUp] = [0, 0, 0, false]

tick()
await over.promise
const seconds = (performance.now() - start) / 1000
const cpu = process.cpuUsage(cpuBefore)
for (const connection of all) connection.close()
const ms = (percentile: number) => latency.percentile(percentile) / 1000
const result: Offered = {
  arrived,
  statuses,
  unanswered: arrived - answered,
  milliseconds: { p50: ms(50), p99: ms(99), p999: ms(99.9), max: latency.max / 1000 },
  seconds,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
}
console.log(JSON.stringify(result))

/** Lets arrive what is due by now, every millisecond. */
function tick(): void {
  arrived = Math.min(total, Math.floor((performance.now() - start) * perMs) + 1)
  sendWaiting()
  isGivenUp = arrived - sent > load.perSecond * patienceSeconds
  if (arrived < total && !isGivenUp) setTimeout(tick, 1)
  else setTimeout(over.resolve, lastAnswersMs).unref()
}

/** In the order of arrival, as long as connections are free. */
function sendWaiting(): void {
  while (sent < arrived && !isGivenUp) {
    const connection = free.pop()
    if (!connection) return
    send(connection, sent++)
  }
}

function send(connection: Connection, number: number): void {
  connection.send(requestOf(number), status => {
    statuses[status] = (statuses[status] ?? 0) + 1
    latency.record(Math.max(1, Math.round((performance.now() - start - number / perMs) * 1000)))
    answered += 1
    free.push(connection)
    sendWaiting()
    if (answered === (isGivenUp ? sent : total)) over.resolve()
  })
}

/** The text of each request: one of some records, with the number of the request in its note. */
function requests({ port, name, bytes }: Load): (number: number) => string {
  const parts = Array.from({ length: templates }, (_, each) => {
    const body = order(each, bytes)
    const at = body.indexOf('"note":"') + '"note":"'.length
    const mark = `${name}-`
    const head = `POST /data HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    return [`${head}${body.slice(0, at)}${mark}`, body.slice(at + mark.length + digits)] as const
  })
  return number => {
    const [before, after] = parts[number % templates] ?? ['', '']
    return `${before}${String(number).padStart(digits, '0')}${after}`
  }
}

/** Whether a load was carried: by rate, answers, latency, lag, and by what is stored in the end. Pure. */
import { median } from '../contest.ts'
import type { Offered } from './offered.ts'
import type { Part } from './whole-stack.ts'

/** One load and what became of it. */
export interface Carried {
  perSecond: number
  offered: Offered
  /** Records in the log that were not stored, once each second. */
  lags: readonly number[]
  /** False: the writer was still behind some time after the load. */
  isCaughtUp: boolean
  /** CPU from the first arrival until everything was stored; `generator` makes the load and watches. */
  cpuSeconds: Readonly<Record<Part | 'generator', number>>
  /** CPU that the rest of the machine used meanwhile. */
  othersCpuSeconds: number
}

/** The promise: 99 of 100 requests take less. */
const mostMs = 500
/** By so many seconds of arrivals the lag may differ between the halves of a load. */
const flatSeconds = 0.5

export const accepted = ({ statuses }: Offered): number => statuses['202'] ?? 0

/** Requests accepted for each second, until the last answer. */
export const rateOf = ({ offered }: Carried): number => accepted(offered) / offered.seconds

/** What speaks against a load; nothing when it was carried. */
export function faultsOf({ perSecond, offered, lags, isCaughtUp }: Carried): string[] {
  const { arrived, milliseconds } = offered
  const errors = arrived - accepted(offered)
  return [
    ...(errors > 0 ? [`${errors} of ${arrived} requests were not accepted`] : []),
    ...(milliseconds.p99 < mostMs ? [] : [`P99 was ${milliseconds.p99.toFixed(0)} ms`]),
    ...(isFlat(lags, perSecond) ? [] : [`the lag grew: ${lags.join(', ')}`]),
    ...(isCaughtUp ? [] : ['the writer did not catch up']),
  ]
}

/** The lag of the second half is that of the first. */
export function isFlat(lags: readonly number[], perSecond: number): boolean {
  if (lags.length < 2) return false
  const middle = Math.floor(lags.length / 2)
  const growth = median(lags.slice(middle)) - median(lags.slice(0, middle))
  return growth <= flatSeconds * perSecond
}

/** CPU µs of each part for each accepted request. */
export function costOf({ cpuSeconds, offered }: Carried): Record<Part | 'generator', number> {
  const each = (seconds: number) => (seconds / accepted(offered)) * 1e6
  const { gateway, Kafka, writer, Postgres, reader, Redis, generator } = cpuSeconds
  return {
    gateway: each(gateway),
    Kafka: each(Kafka),
    writer: each(writer),
    Postgres: each(Postgres),
    reader: each(reader),
    Redis: each(Redis),
    generator: each(generator),
  }
}

export const sumOf = (costs: Readonly<Record<string, number>>): number =>
  Object.values(costs).reduce((sum, cost) => sum + cost, 0)

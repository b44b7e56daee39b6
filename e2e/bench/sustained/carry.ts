/** One load over the whole stack: what it cost, and how far the writer was behind meanwhile. */
import { setTimeout as delay } from 'node:timers/promises'
import { cpuOfMachine } from '../cpu.ts'
import { type Load, offer } from './offered.ts'
import { accepted, type Carried, sumOf } from './verdict.ts'
import type { WholeStack } from './whole-stack.ts'

const lookEveryMs = 1_000
/** The writer must be done with a load that was carried in this time. */
const catchUpMs = 10_000
/** Before the next load it may take longer. */
const mostBehindMs = 120_000
const pollMs = 50

export async function carry(stack: WholeStack, load: Omit<Load, 'port'>): Promise<Carried> {
  const before = { parts: stack.cpu(), own: process.cpuUsage(), machine: cpuOfMachine() }
  const lags: number[] = []
  const offering = offer({ ...load, port: stack.gatewayPort })
  const isOver = offering.then(
    () => true,
    () => true,
  )
  while (!(await Promise.race([isOver, delay(lookEveryMs, false)]))) lags.push(await stack.lag())
  const offered = await offering
  const isCaughtUp = await caughtUp(stack, catchUpMs)
  const parts = stack.cpu()
  const own = process.cpuUsage(before.own)
  const spent = (part: keyof typeof parts) => parts[part] - before.parts[part]
  const cpuSeconds = {
    gateway: spent('gateway'),
    Kafka: spent('Kafka'),
    writer: spent('writer'),
    Postgres: spent('Postgres'),
    reader: spent('reader'),
    Redis: spent('Redis'),
    generator: offered.cpuSeconds + (own.user + own.system) / 1e6,
  }
  const othersCpuSeconds = cpuOfMachine() - before.machine - sumOf(cpuSeconds)
  if (!isCaughtUp && !(await caughtUp(stack, mostBehindMs))) throw new Error('the writer does not catch up')
  return { perSecond: load.perSecond, offered, lags, isCaughtUp, cpuSeconds, othersCpuSeconds }
}

async function caughtUp(stack: WholeStack, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while ((await stack.lag()) > 0) {
    if (performance.now() > deadline) return false
    await delay(pollMs)
  }
  return true
}

/** Rejects unless exactly what was accepted stands in the table, each record once. */
export async function storedWhole(stack: WholeStack, name: string, { offered }: Carried): Promise<void> {
  const { rows, different } = await stack.stored(name)
  const wanted = accepted(offered)
  if (rows !== wanted || different !== wanted)
    throw new Error(`${rows} rows with ${different} numbers stand where ${wanted} records were accepted`)
}

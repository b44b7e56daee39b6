/**
 * The connection to the API server fails in every way, one after another, while children are deleted and the
 * DataService changes. Once it is healed all is in order within ten seconds, and the process has leaked nothing.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { CallHarm, EventHarm, Fault } from '#e2e/chaos/api-proxy/faults.ts'
import { atLeast, atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import type { FinalState } from './final-state.ts'
import { calmState, damaged, declare, firstSpec, untilReady, untilState } from './life.ts'
import { type OperatorProcess, startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

const healsWithinMs = 10_000
const harmMs = { smoke: 1_000, full: 40_000 } as const
/** In a second a watch that waits for its next attempt may meet nothing. */
const metShare = { smoke: 1 / 3, full: 1 } as const
const reconnects = { smoke: 10, full: 1_000 } as const

const onCalls = (harm: CallHarm, verb?: 'watch' | 'write'): Fault[] => [
  { call: verb === undefined ? {} : { verb }, harm },
]
const onEvents = (harm: EventHarm): Fault[] => [{ event: {}, harm }]
const answer = (status: number, reason: string, retryAfterSeconds?: number): CallHarm => ({
  do: 'answer',
  status,
  reason,
  ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
})

/** What is wrong for a while. */
const harms: Readonly<Record<string, readonly Fault[]>> = {
  'every answer takes a second': onCalls({ do: 'delay', ms: 1_000 }),
  'every event is cut inside its line': onEvents('cut'),
  'every event is garbage': onEvents('garbage'),
  'every event comes twice': onEvents('double'),
  'every event is an error 410': onEvents('gone'),
  'the watches are silent': onEvents('hold'),
  'watches are answered 410': onCalls(answer(410, 'Expired'), 'watch'),
  'nothing is answered': onCalls({ do: 'hang' }),
  'all is answered 429, come again in a second': onCalls(answer(429, 'TooManyRequests', 1)),
  'all is answered 500': onCalls(answer(500, 'InternalError')),
  'all is answered 504': onCalls(answer(504, 'Timeout')),
  'writes are answered 409': onCalls(answer(409, 'Conflict'), 'write'),
  'writes break off before they arrive': onCalls({ do: 'break', when: 'before' }, 'write'),
  'writes break off once they are done': onCalls({ do: 'break', when: 'after' }, 'write'),
}

export async function recovery(plane: Plane, { size, say }: SuiteContext): Promise<Figure[]> {
  const namespace = await plane.namespace('recovery')
  await using operator = await startOperatorProcess(plane, { namespace })
  await operator.working()
  await declare(plane, namespace, firstSpec)
  await untilReady(plane, namespace)
  const wanted = await calmState(plane, namespace)
  const filesBefore = operator.openFiles()
  const complaints: string[] = []
  let slowest = 0
  let met = 0
  for (const [title, faults] of Object.entries(harms)) {
    const { seconds, differ, fired } = await harmed(
      plane,
      { operator, namespace, wanted },
      { faults, forMs: harmMs[size] },
    )
    slowest = Math.max(slowest, seconds)
    met += fired > 0 ? 1 : 0
    say(`${title}: met ${fired} times, healed after ${seconds.toFixed(1)} s`)
    for (const each of differ) complaints.push(`${title}: ${each}`)
  }
  for (let count = 0; count < reconnects[size]; count++) {
    operator.proxy.cut()
    await pause(30) // as long as it takes to connect again
  }
  const differ = await disturbed(plane, { operator, namespace, wanted })
  complaints.push(...differ)
  for (const complaint of complaints) say(complaint)
  return [
    told('kinds of harm', Object.keys(harms).length),
    atLeast('kinds that were met', met, Math.ceil(metShare[size] * Object.keys(harms).length)),
    told('seconds of each', harmMs[size] / 1000),
    atMost('seconds until all was in order', slowest, healsWithinMs / 1000),
    told('times that all connections were cut', reconnects[size]),
    atMost('open files more than before', Math.max(0, operator.openFiles() - filesBefore), 10),
    atMost('violations', complaints.length, 0),
    atMost('operators that ended by themselves', operator.isAlive ? 0 : 1, 0),
  ]
}

interface Scene {
  operator: OperatorProcess
  namespace: string
  wanted: FinalState
}

async function harmed(
  plane: Plane,
  scene: Scene,
  { faults, forMs }: { faults: readonly Fault[]; forMs: number },
): Promise<{ seconds: number; differ: string[]; fired: number }> {
  const { proxy } = scene.operator
  const firedBefore = proxy.fired()
  proxy.inject(faults)
  proxy.cut() // so that what begins anew meets it, too
  await damaged(plane, scene.namespace)
  await pause(forMs)
  const fired = proxy.fired() - firedBefore
  const began = performance.now()
  proxy.heal()
  const differ = await untilState(plane, scene.namespace, scene.wanted, healsWithinMs)
  return { seconds: (performance.now() - began) / 1000, differ, fired }
}

async function disturbed(plane: Plane, scene: Scene): Promise<string[]> {
  await damaged(plane, scene.namespace)
  return untilState(plane, scene.namespace, scene.wanted, healsWithinMs)
}
